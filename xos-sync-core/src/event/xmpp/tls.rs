//! TLS as the system trusts it.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{XmppUrl, lost::Lost};

/// Protects a connection, when the server has a certificate of the account's domain.
pub(super) async fn protect(
    socket: TcpStream,
    url: &XmppUrl,
) -> Result<TlsStream<TcpStream>, Lost> {
    let domain = url.account.domain().as_str();
    let lost = |reason: String| Lost::Tls { at: url.at(), domain: domain.to_owned(), reason };
    let name = ServerName::try_from(domain.to_owned()).map_err(|error| lost(error.to_string()))?;
    let config = config().map_err(|error| lost(error.to_string()))?;
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, socket).await.map_err(|error| lost(error.to_string()))
}

fn config() -> Result<ClientConfig, rustls::Error> {
    // The provider is named, so that none needs to be installed for the whole process.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?;
    Ok(config.with_no_client_auth())
}
