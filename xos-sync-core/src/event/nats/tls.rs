//! TLS to a NATS server.

use std::{error::Error, io};

use rustls::{ClientConfig, RootCertStore};

use super::url::NatsUrl;
use crate::{event::FeedError, tls};

/// What the client uses when TLS is asked for. Said in any case: left to itself the client takes
/// what the process has, and panics where that is ambiguous. With `nats://` nothing is trusted,
/// so that a server that insists on TLS is refused.
///
/// # Errors
/// The system has no certificates that could be trusted.
pub(super) fn config(url: &NatsUrl) -> Result<ClientConfig, FeedError> {
    let config =
        if url.is_tls() { tls::trusting_system() } else { tls::trusting(RootCertStore::empty()) };
    Ok(config?)
}

/// Whether it was TLS that failed.
pub(super) fn has_failed(error: &dyn Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.and_then(io::Error::get_ref).is_some_and(|cause| cause.is::<rustls::Error>())
}
