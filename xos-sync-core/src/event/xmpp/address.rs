//! PURE: where the server is, who we are there, and which node is meant.

use std::{fmt, net::IpAddr, str::FromStr};

use thiserror::Error;
use tokio_xmpp::jid::{BareJid, DomainPart, NodePart};
use url::Url;

use crate::model::Secret;

const PORT: u16 = 5222;
const PORT_TLS: u16 = 5223;

/// A PubSub node and the way to it:
/// `xmpp://USER:PASSWORD@HOST:PORT/SERVICE?node=NODE&domain=DOMAIN&tls=TLS`.
///
/// - `USER`, `PASSWORD`: the account; special characters as `%40`, `%3A` and so on.
/// - `HOST`, `PORT`: the server; port 5222 unless said, and 5223 for `tls=direct`.
/// - `SERVICE`: the server's PubSub service; `pubsub.DOMAIN` unless said.
/// - `NODE`: the node.
/// - `DOMAIN`: the account's domain, where it is not `HOST`. The certificate is one of it.
/// - `TLS`: `starttls` (unless said), `direct`, or `off`, which only this machine is spoken to with.
///
/// The password is in neither `Debug` nor `Display`.
///
/// ```
/// use xos_sync_core::event::XmppUrl;
/// let url: XmppUrl = "xmpp://bot:s3cret@example.org/pubsub.example.org?node=changes".parse()?;
/// assert_eq!(url.to_string(), "xmpp://bot@example.org:5222/pubsub.example.org?node=changes");
/// # Ok::<(), xos_sync_core::event::XmppUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmppUrl {
    pub(super) account: BareJid,
    pub(super) password: Secret,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) service: BareJid,
    pub(super) node: String,
    pub(super) tls: XmppTls,
}

/// How the way to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XmppTls {
    /// Begins in the clear and turns to TLS before anything is said.
    StartTls,
    /// TLS from the first byte.
    Direct,
    /// In the clear. Only to this machine.
    Off,
}

/// What is wrong with an address, and what to write instead. Without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the XMPP address {problem}; write xmpp://USER:PASSWORD@HOST/SERVICE?node=NODE{advice}")]
pub struct XmppUrlError {
    problem: String,
    advice: &'static str,
}

impl XmppUrlError {
    fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), advice: "" }
    }

    fn advise(problem: impl Into<String>, advice: &'static str) -> Self {
        Self { problem: problem.into(), advice }
    }
}

impl FromStr for XmppUrl {
    type Err = XmppUrlError;

    fn from_str(text: &str) -> Result<Self, XmppUrlError> {
        let url = Url::parse(text).map_err(|error| {
            let advice = ", with the special characters of the password as % and two digits";
            XmppUrlError::advise(format!("is not a URL ({error})"), advice)
        })?;
        if url.scheme() != "xmpp" {
            let problem = format!("begins with {}:", url.scheme());
            return Err(XmppUrlError::new(problem));
        }
        if url.fragment().is_some() {
            let advice = ", with # in it as %23";
            return Err(XmppUrlError::advise("has a part after #", advice));
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(XmppUrlError::new("names no host"));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let query = Query::of(&url)?;
        if query.tls == XmppTls::Off && !is_loopback(&host) {
            let problem = format!("has tls=off, but {host} is another machine");
            return Err(XmppUrlError::advise(problem, " without tls=off"));
        }
        let user = decoded(url.username(), "user")?;
        let password = decoded(url.password().unwrap_or_default(), "password")?;
        if user.is_empty() || password.is_empty() {
            return Err(XmppUrlError::new("lacks the user or the password"));
        }
        let account = account(&user, query.domain.as_deref().unwrap_or(&host))?;
        let service = match decoded(url.path().trim_matches('/'), "service")? {
            service if service.is_empty() => format!("pubsub.{}", account.domain()),
            service => service,
        };
        let service = BareJid::new(&service).map_err(|error| {
            XmppUrlError::new(format!(
                "names {service:?}, which no PubSub service is called ({error})"
            ))
        })?;
        let default = if query.tls == XmppTls::Direct { PORT_TLS } else { PORT };
        let port = url.port().unwrap_or(default);
        let (node, tls) = (query.node, query.tls);
        Ok(Self { account, password: Secret::new(password), host, port, service, node, tls })
    }
}

impl fmt::Display for XmppUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, host, port, service, node, .. } = self;
        let user = account.node().map(|user| user.as_str()).unwrap_or_default();
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "xmpp://{user}@{open}{host}{close}:{port}/{service}?node={node}")?;
        if account.domain().as_str() != host {
            write!(f, "&domain={}", account.domain())?;
        }
        match self.tls {
            XmppTls::StartTls => Ok(()),
            XmppTls::Direct => f.write_str("&tls=direct"),
            XmppTls::Off => f.write_str("&tls=off"),
        }
    }
}

/// What stands after the question mark.
struct Query {
    node: String,
    domain: Option<String>,
    tls: XmppTls,
}

impl Query {
    fn of(url: &Url) -> Result<Self, XmppUrlError> {
        let (mut node, mut domain, mut tls) = (String::new(), None, XmppTls::StartTls);
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("node", value) => node = value.to_owned(),
                ("domain", value) => domain = Some(value.to_owned()),
                ("tls", "starttls") => tls = XmppTls::StartTls,
                ("tls", "direct") => tls = XmppTls::Direct,
                ("tls", "off") => tls = XmppTls::Off,
                ("tls", other) => {
                    let advice = " with tls=starttls, tls=direct or tls=off after it";
                    return Err(XmppUrlError::advise(format!("has tls={other}"), advice));
                }
                // Its value may be a password.
                (other, _) => {
                    let advice = " with domain=… or tls=… after it, and nothing else";
                    let problem = format!("has a parameter `{other}`, which is none");
                    return Err(XmppUrlError::advise(problem, advice));
                }
            }
        }
        if node.is_empty() {
            return Err(XmppUrlError::new("names no node"));
        }
        Ok(Self { node, domain, tls })
    }
}

/// Whether this name or number means this machine.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn account(user: &str, domain: &str) -> Result<BareJid, XmppUrlError> {
    let node = NodePart::new(user).map_err(|error| {
        XmppUrlError::new(format!("names the user {user:?}, which no user is called ({error})"))
    })?;
    let domain = DomainPart::new(domain).map_err(|error| {
        XmppUrlError::new(format!("names the domain {domain:?}, which none is called ({error})"))
    })?;
    Ok(BareJid::from_parts(Some(&node), &domain))
}

/// Undoes the escapes of `%` and two digits.
fn decoded(text: &str, what: &str) -> Result<String, XmppUrlError> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| XmppUrlError::new(format!("has a {what} that is no UTF-8")))
}

#[cfg(test)]
mod tests;
