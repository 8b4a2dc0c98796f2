//! TLS as the system trusts it.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{XmppUrl, lost::Lost};
use crate::tls;

/// Protects a connection, when the server has a certificate of the account's domain.
pub(super) async fn protect(
    socket: TcpStream,
    url: &XmppUrl,
) -> Result<TlsStream<TcpStream>, Lost> {
    let domain = url.account.domain().as_str();
    let lost = |reason: String| Lost::Tls { at: url.at(), domain: domain.to_owned(), reason };
    let name = ServerName::try_from(domain.to_owned()).map_err(|error| lost(error.to_string()))?;
    let config = tls::trusting_system().map_err(|error| lost(error.to_string()))?;
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, socket).await.map_err(|error| lost(error.to_string()))
}
