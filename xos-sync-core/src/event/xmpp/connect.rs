//! The way in: TCP, TLS, the account, a resource.

use std::{borrow::Cow, time::Duration};

use futures_util::{SinkExt, StreamExt};
use sasl::common::Credentials;
use tokio::{
    io::{AsyncRead, AsyncWrite, BufStream},
    net::TcpStream,
    time::timeout,
};
use tokio_xmpp::{
    Error, client_login,
    error::AuthError,
    parsers::{bind::BindQuery, iq::Iq, ns, starttls},
    xmlstream::{
        FallibleStreamElement, PendingFeaturesRecv, StreamHeader, Timeouts, XmppStream,
        XmppStreamElement, initiate_stream,
    },
};

use super::{XmppTls, XmppUrl, lost::Lost, pruned::Pruned, session::Session};

/// All of the way in takes less than this.
const WITHIN: Duration = Duration::from_secs(15);

/// After this silence the server is asked whether it is there, and then has as long to say so.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

const TIMEOUTS: Timeouts = Timeouts { read_timeout: SILENCE, response_timeout: SILENCE };

/// A TCP connection, protected or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// What stanzas are read from and written to.
pub(super) type Stanzas = XmppStream<BufStream<Pruned<Box<dyn Wire>>>>;

impl XmppUrl {
    /// Where the server is, for messages.
    pub(super) fn at(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Connects and logs in. Tries once.
pub(super) async fn connect(url: &XmppUrl) -> Result<Session, Lost> {
    timeout(WITHIN, enter(url)).await.unwrap_or(Err(Lost::Silent(WITHIN)))
}

async fn enter(url: &XmppUrl) -> Result<Session, Lost> {
    let socket = reach(url).await?;
    let wire: Box<dyn Wire> = match url.tls {
        XmppTls::Off => Box::new(socket),
        XmppTls::Direct => Box::new(super::tls::protect(socket, url).await?),
        XmppTls::StartTls => {
            let socket = start_tls(socket, url).await?;
            Box::new(super::tls::protect(socket, url).await?)
        }
    };
    let stream = log_in(wire, url).await?;
    let mut session = Session::new(stream, url.account.domain().to_owned());
    // The server chooses the resource, so that several of us can be there.
    let bind = |id| Iq::from_set(id, BindQuery::new(None));
    session.ask("name this connection", bind).await?;
    Ok(session)
}

async fn reach(url: &XmppUrl) -> Result<TcpStream, Lost> {
    let unreachable = |error| Lost::Unreachable { at: url.at(), error };
    let socket = TcpStream::connect((&*url.host, url.port)).await.map_err(unreachable)?;
    let peer = socket.peer_addr().map_err(unreachable)?;
    if url.tls == XmppTls::Off && !peer.ip().is_loopback() {
        return Err(Lost::InTheClear { at: url.at() });
    }
    // A change is a small packet, and would wait for the answer to the one before.
    socket.set_nodelay(true).map_err(unreachable)?;
    Ok(socket)
}

/// Asks for TLS. What else came unprotected is forgotten with the buffer.
async fn start_tls(socket: TcpStream, url: &XmppUrl) -> Result<TcpStream, Lost> {
    let not_in = |error: Error| not_in(url, error);
    let pending = open(socket, url).await.map_err(not_in)?;
    let (features, mut stream): (_, XmppStream<_>) =
        pending.recv_features().await.map_err(|error| not_in(error.into()))?;
    if !features.can_starttls() {
        return Err(Lost::NoTls { at: url.at() });
    }
    let request = starttls::Nonza::Request(starttls::Request);
    stream.send(&XmppStreamElement::Starttls(request)).await?;
    match stream.next().await {
        Some(Ok(FallibleStreamElement::Ok(XmppStreamElement::Starttls(
            starttls::Nonza::Proceed(_),
        )))) => Ok(stream.into_inner().into_inner().into_inner()),
        _ => Err(Lost::NoTls { at: url.at() }),
    }
}

async fn log_in(wire: Box<dyn Wire>, url: &XmppUrl) -> Result<Stanzas, Lost> {
    let not_in = |error: Error| not_in(url, error);
    let pending = open(wire, url).await.map_err(not_in)?;
    let (features, stream) = pending.recv_features().await.map_err(|error| not_in(error.into()))?;
    // No channel binding is named: a server that has none of the same kind would be answered with
    // the password in plain text in place of a proof of it.
    let user = url.account.node().map(|user| user.as_str()).unwrap_or_default();
    let credentials =
        Credentials::default().with_username(user).with_password(url.password.reveal());
    // Its own last resort would be to be nobody.
    let mut ways = features.sasl_mechanisms;
    ways.remove("ANONYMOUS");
    let stream = client_login(stream, ways, credentials).await.map_err(not_in)?;
    let pending = stream.send_header(header(url)).await?;
    let (_, stream) = pending.recv_features().await.map_err(|error| not_in(error.into()))?;
    Ok(stream)
}

pub(super) async fn open<W: Wire>(
    wire: W,
    url: &XmppUrl,
) -> Result<PendingFeaturesRecv<BufStream<Pruned<W>>>, Error> {
    let wire = BufStream::new(Pruned::new(wire));
    Ok(initiate_stream(wire, ns::JABBER_CLIENT, header(url), TIMEOUTS).await?)
}

fn header(url: &XmppUrl) -> StreamHeader<'_> {
    let to = Some(Cow::Borrowed(url.account.domain().as_str()));
    StreamHeader { to, from: None, id: None }
}

fn not_in(url: &XmppUrl, error: Error) -> Lost {
    let at = url.at();
    match error {
        Error::Auth(AuthError::NoMechanism) => Lost::NoWay { at },
        Error::Auth(reason) => Lost::Refused { at, account: url.account.to_string(), reason },
        error => Lost::NotIn { at, reason: error.to_string() },
    }
}
