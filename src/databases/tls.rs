//! How much of a server's certificate is checked.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        VerifierBuilderError, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};

/// The certificate authorities that a database's certificate may come from. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Roots {
    store: Arc<RootCertStore>,
    /// The same, for a client that makes its own store.
    certificates: Arc<[CertificateDer<'static>]>,
}

/// A file of certificate authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificate authorities in {} cannot be used: {cause}", path.display())]
pub struct RootsError {
    path: PathBuf,
    cause: String,
}

/// What is checked of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    Nothing,
    Chain,
    ChainAndName,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error(
        "it asks for a certificate to be verified, and the operator knows no certificate authority: name a file of them \
         with --database-ca-file"
    )]
    NoRoots,
    #[error("certificates cannot be verified: {0}")]
    Verifier(#[from] VerifierBuilderError),
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] Error),
}

impl Roots {
    /// Those of the machine, or of the file that the environment variable `SSL_CERT_FILE` names. Reads files: call it
    /// once.
    pub fn of_machine() -> Self {
        rustls_native_certs::load_native_certs().certs.into_iter().collect()
    }

    /// Those in a PEM file, such as the bundle that Amazon RDS publishes, and no others. Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or holds no authority's certificate.
    pub fn of_file(path: &Path) -> Result<Self, RootsError> {
        let unusable = |cause: String| RootsError { path: path.to_owned(), cause };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
        let roots: Self = certificates
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(error.to_string()))?
            .into_iter()
            .collect();
        if roots.certificates.is_empty() {
            return Err(unusable("it holds no certificate of an authority, in PEM".into()));
        }
        Ok(roots)
    }

    /// Each of them, in DER.
    pub(super) fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}

impl FromIterator<CertificateDer<'static>> for Roots {
    /// Leaves out what is no authority's certificate: machines have such files.
    fn from_iter<I: IntoIterator<Item = CertificateDer<'static>>>(certificates: I) -> Self {
        let mut store = RootCertStore::empty();
        let usable = certificates.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok());
        let certificates = usable.collect();
        Self { store: Arc::new(store), certificates }
    }
}

pub(super) fn client_config(verify: Verify, roots: &Roots) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    if verify != Verify::Nothing && roots.certificates.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let chain = || WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots.store), Arc::clone(&provider)).build();
    let verifier: Arc<dyn ServerCertVerifier> = match verify {
        Verify::ChainAndName => chain()?,
        Verify::Chain => Arc::new(Lenient { chain: Some(chain()?), provider: Arc::clone(&provider) }),
        Verify::Nothing => Arc::new(Lenient { chain: None, provider: Arc::clone(&provider) }),
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// libpq's weaker modes: the name is not checked, and without a `chain` nothing is. That the server holds the
/// certificate's key is checked always.
#[derive(Debug)]
struct Lenient {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // The name is checked last, so this error says that all else is well.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of_file(content: &str) -> Result<Roots, RootsError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        Roots::of_file(file.path())
    }

    #[test]
    fn a_file_without_an_authority_is_refused_by_its_name() {
        for content in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let refused = of_file(content).unwrap_err().to_string();
            assert!(refused.contains("holds no certificate of an authority"), "{refused}");
        }
        let missing = Roots::of_file(Path::new("/nowhere/ca.pem")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/ca.pem"), "{missing}");
    }
}
