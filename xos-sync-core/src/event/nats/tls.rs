//! TLS as the rest of the framework has it: rustls with ring, and the system's certificates.

use std::{error::Error, io, sync::Arc};

use async_nats::rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert, crypto::ring,
};
use rustls_platform_verifier::BuilderVerifierExt;

use super::url::NatsUrl;
use crate::event::FeedError;

/// What the client uses when TLS is asked for. Said in any case: left to itself the client takes
/// what the process has, and panics where that is ambiguous. With `nats://` nothing is trusted,
/// so that a server that insists on TLS is refused.
///
/// # Errors
/// The system has no certificates that could be trusted.
pub(super) fn config(url: &NatsUrl) -> Result<ClientConfig, FeedError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let builder: ConfigBuilder<ClientConfig, WantsClientCert> = if url.is_tls() {
        builder.with_platform_verifier()?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

/// Whether it was TLS that failed.
pub(super) fn has_failed(error: &dyn Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.and_then(io::Error::get_ref).is_some_and(|cause| cause.is::<async_nats::rustls::Error>())
}
