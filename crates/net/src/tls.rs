//! TLS for protocols that are not HTTP, such as a database's: the certificates that the HTTP client
//! trusts.

use std::sync::Arc;

use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// What was given as certificates is none.
    #[error("contain no PEM certificate")]
    NoCertificate,
    /// TLS cannot be set up: most likely the system has no certificates.
    #[error("TLS cannot be set up: {0}")]
    NoSetup(#[from] rustls::Error),
}

/// A configuration that trusts the system's certificates, and those in `trusted`, a PEM text.
pub fn tls_config(trusted: Option<&[u8]>) -> Result<ClientConfig, TlsError> {
    let own: Vec<CertificateDer<'static>> = match trusted {
        None => Vec::new(),
        Some(pem) => {
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            read.ok().filter(|read| !read.is_empty()).ok_or(TlsError::NoCertificate)?
        }
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(own, Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}
