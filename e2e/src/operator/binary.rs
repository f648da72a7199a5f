//! Where the operator's binary is, and that it is not an old one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The operator's binary: `HYBRIDSCALER_BIN`, or the one that cargo builds beside us.
///
/// Cargo tells only the tests of the operator's own package where the binary is, and builds it only for those: with
/// `cargo test -p hybridscaler-e2e` it may be missing, or of yesterday.
///
/// # Errors
/// When there is none, or when one of its sources has changed since it was built.
pub fn locate() -> Result<PathBuf> {
    if let Some(path) = env::var_os("HYBRIDSCALER_BIN") {
        return Ok(path.into());
    }
    let me = env::current_exe().context("cannot tell where this program lies")?;
    // target/PROFILE/PROGRAM, or target/PROFILE/deps/TEST-HASH.
    let folder =
        me.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).context("this program lies in no folder")?;
    let binary = folder.join("hybridscaler");
    match newer_source(&binary)? {
        None => Ok(binary),
        Some(source) => bail!("{} is older than {}: {BUILD}", binary.display(), source.display()),
    }
}

const BUILD: &str = "run `cargo build -p hybridscaler`, or name a binary in HYBRIDSCALER_BIN";

/// A source that changed after `binary` was built, by the list of sources that cargo writes beside it.
fn newer_source(binary: &Path) -> Result<Option<PathBuf>> {
    let built = fs::metadata(binary)
        .and_then(|file| file.modified())
        .with_context(|| format!("there is no {}: {BUILD}", binary.display()))?;
    let list = binary.with_extension("d");
    let list = fs::read_to_string(&list).with_context(|| format!("cannot read {}: {BUILD}", list.display()))?;
    // BINARY: SOURCE SOURCE …, a space within a name being written as `\ `.
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources).trim_end().replace("\\ ", "\0");
    Ok(sources.split(' ').map(|source| PathBuf::from(source.replace('\0', " "))).find(|source| {
        // A source that is gone was taken out of the build, or is about to fail it.
        fs::metadata(source).and_then(|file| file.modified()).is_ok_and(|changed| changed > built)
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_binary_is_stale_when_one_of_its_sources_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let make = |name: &str, age: u64| {
            let file = File::create(at(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        make("hybridscaler", 60);
        make("main.rs", 90);
        make("a room.rs", 120);
        let list = [at("hybridscaler").display().to_string() + ":", at("main.rs").display().to_string()];
        let spaced = at("a room.rs").display().to_string().replace(' ', "\\ ");
        fs::write(at("hybridscaler.d"), format!("{} {spaced}\n", list.join(" "))).unwrap();

        assert_eq!(newer_source(&at("hybridscaler")).unwrap(), None);
        make("a room.rs", 30);
        assert_eq!(newer_source(&at("hybridscaler")).unwrap(), Some(at("a room.rs")));
    }

    #[test]
    fn a_missing_binary_says_how_to_build_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = newer_source(&folder.path().join("hybridscaler")).unwrap_err().to_string();
        assert!(error.contains("cargo build -p hybridscaler"), "{error}");
    }
}
