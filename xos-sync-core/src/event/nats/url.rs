//! PURE: where a bus is, and what the stream and the listener are called there.

use std::{collections::BTreeMap, fmt};

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

/// How a URL is written; every error ends with it.
const FORM: &str = "write nats://USER:PASSWORD@HOST:PORT?stream=NAME or tls://…";
/// A longer name is refused.
const LONGEST_NAME: usize = 64;

/// A parsed URL. Never shows its password or token.
#[derive(Clone)]
pub(super) struct NatsUrl {
    /// Without credentials: the client's own log shows it.
    pub(super) server: ServerAddr,
    pub(super) login: Login,
    pub(super) stream: String,
    pub(super) consumer: Option<String>,
}

/// Who one is to the server.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    Nobody,
    Token(String),
    User { name: String, password: String },
}

impl NatsUrl {
    /// # Errors
    /// [`Error::Usage`]: what is wrong, without showing any of the URL that may be secret.
    pub(super) fn parse(url: &str) -> Result<Self> {
        Self::read(url).map_err(|wrong| Error::Usage(format!("the NATS URL {wrong}; {FORM}")))
    }

    fn read(url: &str) -> Result<Self, String> {
        let url = url.trim();
        if !(url.starts_with("nats://") || url.starts_with("tls://")) {
            return Err("begins with neither nats:// nor tls://".into());
        }
        let server: ServerAddr = url.parse().map_err(|error| {
            format!("cannot be read ({error}); in a password, @ is %40, / is %2F, ? is %3F")
        })?;
        let login = Login::of(&server)?;
        let mut plain = server.into_inner();
        if plain.host_str().is_none_or(str::is_empty) {
            return Err("names no host".into());
        }
        if !matches!(plain.path(), "" | "/") || plain.fragment().is_some() {
            return Err("has more after the host than parameters".into());
        }
        let mut parameters = BTreeMap::new();
        for (name, value) in plain.query_pairs() {
            let name = name.into_owned();
            if !matches!(name.as_str(), "stream" | "consumer") {
                return Err("has a parameter other than `stream` and `consumer`".into());
            }
            is_name(&name, &value)?;
            if parameters.insert(name.clone(), value.into_owned()).is_some() {
                return Err(format!("has `{name}` twice"));
            }
        }
        let stream = parameters.remove("stream").ok_or("lacks `stream`")?;
        let consumer = parameters.remove("consumer");
        plain.set_query(None);
        // Neither fails where there is a host.
        let _ = plain.set_username("").and(plain.set_password(None));
        let server = ServerAddr::from_url(plain).map_err(|error| error.to_string())?;
        Ok(Self { server, login, stream, consumer })
    }

    /// What feeds and publishers are called.
    pub(super) fn name(&self) -> String {
        format!("nats {} stream {}", self.address(), self.stream)
    }

    /// The server, for people.
    pub(super) fn address(&self) -> String {
        let host = self.server.host();
        if host.contains(':') {
            return format!("[{host}]:{}", self.server.port());
        }
        format!("{host}:{}", self.server.port())
    }

    pub(super) fn is_tls(&self) -> bool {
        self.server.tls_required()
    }
}

impl Login {
    fn of(server: &ServerAddr) -> Result<Self, String> {
        Ok(match (server.username(), server.password()) {
            (None, None) => Self::Nobody,
            (None, Some(_)) => return Err("has a password and no user".into()),
            (Some(token), None) => Self::Token(plain(token)?),
            (Some(name), Some(password)) => {
                Self::User { name: plain(name)?, password: plain(password)? }
            }
        })
    }
}

fn plain(text: &str) -> Result<String, String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err("has a user or password that is not UTF-8".into()),
    }
}

/// Streams and consumers are files on the server and parts of subjects.
fn is_name(parameter: &str, name: &str) -> Result<(), String> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain && (1..=LONGEST_NAME).contains(&name.len()) {
        return Ok(());
    }
    Err(format!(
        "has a `{parameter}` that is no name: 1 to {LONGEST_NAME} letters, digits, `-` and `_`"
    ))
}

impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.server.scheme();
        write!(f, "{scheme}://{}?stream={}", self.address(), self.stream)?;
        match &self.consumer {
            Some(consumer) => write!(f, "&consumer={consumer}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
