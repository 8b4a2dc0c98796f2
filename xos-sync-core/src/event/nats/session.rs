//! One connection to a server. It is never mended: who holds it lets it go and opens another.

use std::{error::Error, time::Duration};

use async_nats::{
    ConnectError, ConnectErrorKind, ConnectOptions, Event,
    jetstream::{
        self, Context,
        stream::{Config, DiscardPolicy, Stream},
    },
};
use tokio::sync::watch;

use super::{
    subject, tls,
    url::{Login, NatsUrl},
};
use crate::{error::chain, event::FeedError};

/// How often a silent server is asked whether it is there; it is lost after the third silence.
const PING: Duration = Duration::from_secs(10);
/// How long the server may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// What a new stream keeps at most. An event is a hint, and a small one.
const MOST_BYTES: i64 = 64 << 20;
/// How long a new stream keeps a change at most.
const LONGEST_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// A longer message, headers included, is refused by the server.
const LONGEST_MESSAGE: i32 = 4096;

/// A connection that stands, or stood.
#[derive(Debug)]
pub(super) struct Session {
    jetstream: Context,
    pub(super) loss: Loss,
}

/// When and why a connection was lost.
#[derive(Debug, Clone)]
pub(super) struct Loss(watch::Receiver<Option<String>>);

impl Session {
    /// # Errors
    /// Why the server cannot be used.
    pub(super) async fn open(url: &NatsUrl) -> Result<Self, FeedError> {
        let (tell, loss) = watch::channel(None);
        let options = match url.login.clone() {
            Login::Nobody => ConnectOptions::new(),
            Login::Token(token) => ConnectOptions::with_token(token),
            Login::User { name, password } => {
                ConnectOptions::with_user_and_password(name, password)
            }
        };
        let client = options
            .name("xos-sync")
            .tls_client_config(tls::config(url)?)
            .ping_interval(PING)
            .request_timeout(Some(ANSWER))
            // The first attempt after a loss is the last one, and nobody uses what it brings.
            .max_reconnects(1)
            .event_callback(move |event| {
                if let Some(reason) = reason(&event) {
                    tell.send_if_modified(|lost| lost.is_none() && lost.replace(reason).is_none());
                }
                async {}
            })
            .connect(&url.server)
            .await
            .map_err(|error| refusal(url, &error))?;
        Ok(Self { jetstream: jetstream::new(client), loss: Loss(loss) })
    }

    /// The stream of the URL; made when it is not there. One that is there stays as it is.
    ///
    /// # Errors
    /// Why the server has no such stream.
    pub(super) async fn stream(&self, url: &NatsUrl) -> Result<Stream, FeedError> {
        let config = Config {
            name: url.stream.clone(),
            description: Some("changes of a data model, for xos-sync".into()),
            subjects: vec![subject::all(&url.stream)],
            max_messages_per_subject: 1,
            max_bytes: MOST_BYTES,
            max_age: LONGEST_KEPT,
            max_message_size: LONGEST_MESSAGE,
            discard: DiscardPolicy::Old,
            ..Config::default()
        };
        self.jetstream
            .get_or_create_stream(config)
            .await
            .map_err(|error| failure(&format!("cannot use the stream {}", url.stream), &error))
    }

    /// Publishes a message; ready when the server has stored it.
    ///
    /// # Errors
    /// Why it did not.
    pub(super) async fn store(&self, subject: String, payload: String) -> Result<(), FeedError> {
        let stored = async { self.jetstream.publish(subject, payload.into()).await?.await };
        match stored.await {
            Ok(_) => Ok(()),
            Err(error) => Err(failure("the change was not stored", &error)),
        }
    }
}

impl Loss {
    pub(super) fn has_come(&self) -> bool {
        self.0.borrow().is_some() || self.0.has_changed().is_err()
    }

    /// Does this work, unless the connection is lost before it is done.
    ///
    /// # Errors
    /// Those of the work, or why the connection was lost.
    pub(super) async fn or<T>(
        mut self,
        work: impl Future<Output = Result<T, FeedError>>,
    ) -> Result<T, FeedError> {
        tokio::select! {
            lost = self.0.wait_for(Option::is_some) => Err(match lost.as_deref() {
                Ok(Some(reason)) => reason.clone().into(),
                _ => "the connection was closed".into(),
            }),
            done = work => done,
        }
    }
}

/// Why a connection is of no use after this event.
fn reason(event: &Event) -> Option<String> {
    match event {
        Event::Disconnected | Event::Closed => Some("the connection was lost".into()),
        Event::ServerError(error) => Some(format!("the server says: {error}")),
        _ => None,
    }
}

fn refusal(url: &NatsUrl, error: &ConnectError) -> FeedError {
    let address = url.address();
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => format!(
            "{address} refuses who we are: check the user and the password, or the token, in the NATS URL"
        )
        .into(),
        _ if !url.is_tls() && tls::has_failed(error) => {
            format!("{address} wants TLS: write tls:// in the NATS URL").into()
        }
        _ => failure(&format!("cannot connect to {address}"), error),
    }
}

/// What was tried, and why it failed.
pub(super) fn failure(what: &str, error: &(dyn Error + 'static)) -> FeedError {
    format!("{what}: {}", chain(error)).into()
}
