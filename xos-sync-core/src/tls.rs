//! TLS as all of the framework has it: rustls with ring, and the system's certificates.
//!
//! The framework's own connections name their provider. Other code in the process finds it as the
//! process's default, unless the program has installed another one.

use std::sync::Arc;

use rustls::{
    ClientConfig, ConfigBuilder, Error, RootCertStore, WantsVerifier, client::WantsClientCert,
    crypto::ring,
};
use rustls_platform_verifier::BuilderVerifierExt;

/// What the system trusts.
///
/// # Errors
/// The system has no certificates that could be trusted.
pub(crate) fn trusting_system() -> Result<ClientConfig, Error> {
    finish(builder()?.with_platform_verifier()?)
}

/// What these certificates have signed, and nothing else.
pub(crate) fn trusting(roots: RootCertStore) -> Result<ClientConfig, Error> {
    finish(builder()?.with_root_certificates(roots))
}

/// Makes ring the process's provider for those who name none, if the process has none yet.
#[cfg(feature = "http")]
pub(crate) fn provide() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have installed one meanwhile, which then stays.
        let _ = ring::default_provider().install_default();
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
}

fn finish(builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> Result<ClientConfig, Error> {
    Ok(builder.with_no_client_auth())
}
