//! What the endpoint shows and asks for in TLS, from files.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// The files.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    /// The certificate and what leads to its authority (PEM).
    pub(crate) chain: PathBuf,
    /// Its key (PEM).
    pub(crate) key: PathBuf,
    /// The authority that clients' certificates must be of (PEM); none when nobody has to show one.
    pub(crate) client_authority: Option<PathBuf>,
}

/// What takes connections as these files say.
///
/// # Errors
/// When a file cannot be read, or they do not fit together.
pub(crate) fn acceptor(files: &Certificates) -> Result<TlsAcceptor, String> {
    let wrong = |path: &PathBuf, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = |path: &PathBuf| -> Result<Vec<CertificateDer<'static>>, String> {
        let found: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(path).map_err(|error| wrong(path, &error))?.collect();
        let found = found.map_err(|error| wrong(path, &error))?;
        if found.is_empty() { Err(wrong(path, &"there is no certificate in it")) } else { Ok(found) }
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &files.client_authority {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| wrong(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(path, &error))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, &error))?;
    let config = builder
        .with_single_cert(certificates(&files.chain)?, key)
        .map_err(|error| wrong(&files.chain, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
