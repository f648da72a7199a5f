//! Keys and certificates of one run, made by the `openssl` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A private key and its certificate, both PEM files.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The private key, readable by the current user only.
    pub key: PathBuf,
    /// The certificate.
    pub certificate: PathBuf,
}

/// A certificate authority that lives as long as its folder.
#[derive(Debug, Clone)]
pub struct Authority {
    folder: PathBuf,
    own: KeyPair,
}

impl Authority {
    /// Makes a new authority in `folder`.
    ///
    /// # Errors
    /// When `openssl` cannot be run or refuses.
    pub fn create(folder: &Path, name: &str) -> Result<Self> {
        let own = KeyPair::at(folder, name);
        openssl(request(&own, name).args([
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        ]))?;
        Ok(Self { folder: folder.to_owned(), own })
    }

    /// The authority's own certificate, which clients trust.
    pub fn certificate(&self) -> &Path {
        &self.own.certificate
    }

    /// Issues a certificate for servers and clients; `names` is an openssl subjectAltName such as `IP:127.0.0.1`.
    ///
    /// # Errors
    /// When `openssl` cannot be run or refuses.
    pub fn issue(&self, common_name: &str, names: &str) -> Result<KeyPair> {
        let pair = KeyPair::at(&self.folder, common_name);
        openssl(
            request(&pair, common_name)
                .arg("-CA")
                .arg(&self.own.certificate)
                .arg("-CAkey")
                .arg(&self.own.key)
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .args(["-addext", "keyUsage=digitalSignature"])
                .args(["-addext", "extendedKeyUsage=serverAuth,clientAuth"])
                .args(["-addext", &format!("subjectAltName={names}")]),
        )?;
        Ok(pair)
    }
}

impl KeyPair {
    fn at(folder: &Path, name: &str) -> Self {
        Self { key: folder.join(format!("{name}.key")), certificate: folder.join(format!("{name}.crt")) }
    }
}

/// A new key and a certificate for it, signed by itself unless more arguments say otherwise.
fn request(pair: &KeyPair, common_name: &str) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "30"])
        .args(["-subj", &format!("/CN={common_name}"), "-keyout"])
        .arg(&pair.key)
        .arg("-out")
        .arg(&pair.certificate);
    command
}

fn openssl(command: &mut Command) -> Result<()> {
    // Without the machine's own configuration, which could add or refuse extensions.
    let output = command.env("OPENSSL_CONF", "/dev/null").output().context("cannot run openssl")?;
    ensure!(output.status.success(), "openssl failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
