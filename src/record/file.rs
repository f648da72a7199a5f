//! A file that does not grow without end.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file that is appended to, and set aside as `FILE.1` in place of the one before when it has grown to half the limit.
pub(super) struct BoundedFile {
    path: PathBuf,
    /// Bytes that it may grow to.
    half: u64,
    file: File,
    bytes: u64,
}

impl BoundedFile {
    /// Opens the file at `path`, where it is, or makes it; `limit` is in bytes, for it and the one set aside.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let file = append_to(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), half: limit / 2, file, bytes })
    }

    /// Appends a whole line; one that exceeds what a file may grow to is refused.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if length > self.half {
            let problem = format!("{length} bytes are more than the {} that one file may have", self.half);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        if self.bytes.saturating_add(length) > self.half {
            self.set_aside()?;
        }
        self.file.write_all(line)?;
        self.bytes = self.bytes.saturating_add(length);
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        fs::rename(&self.path, set_aside(&self.path))?;
        self.file = append_to(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// Where the older half of a record at `path` is.
fn set_aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".1");
    name.into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn both_files_together_stay_within_the_limit_and_hold_the_newest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        // Closed and opened again in between: the bytes that are there count.
        for line in 0..100 {
            BoundedFile::open(&path, 40).unwrap().append(format!("line {line:02}\n").as_bytes()).unwrap();
            let older = fs::metadata(set_aside(&path)).map_or(0, |file| file.len());
            assert!(fs::metadata(&path).unwrap().len() + older <= 40);
        }
        assert_eq!(read(&set_aside(&path)) + &read(&path), "line 96\nline 97\nline 98\nline 99\n");
    }

    #[test]
    fn a_line_that_fits_into_no_file_is_refused_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let mut file = BoundedFile::open(&path, 40).unwrap();
        file.append(&[b'x'; 20]).unwrap();
        let error = file.append(&[b'x'; 21]).unwrap_err();
        assert_eq!(error.to_string(), "21 bytes are more than the 20 that one file may have");
        assert_eq!(fs::metadata(&path).unwrap().len(), 20);
    }
}
