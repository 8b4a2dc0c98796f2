//! Why a connection is no more.

use std::{io, time::Duration};

use thiserror::Error;
use tokio_xmpp::{
    error::AuthError,
    parsers::stanza_error::{DefinedCondition, StanzaError},
    parsers::stream_error::ReceivedStreamError,
};

/// Why there is no connection, or no longer. Without credentials.
#[derive(Debug, Error)]
pub(super) enum Lost {
    #[error("cannot reach the XMPP server {at}: {error}")]
    Unreachable { at: String, error: io::Error },
    #[error(
        "tls=off is for this machine only, but {at} is another one: leave it out of the address"
    )]
    InTheClear { at: String },
    #[error(
        "the XMPP server {at} offers no TLS: set it up there, or, on this machine, write tls=off"
    )]
    NoTls { at: String },
    #[error("no TLS with the XMPP server {at} for the domain {domain}: {reason}")]
    Tls { at: String, domain: String, reason: String },
    #[error(
        "the XMPP server {at} refuses {account}: {reason}; correct the user or the password in the address"
    )]
    Refused { at: String, account: String, reason: AuthError },
    #[error(
        "the XMPP server {at} offers none of SCRAM-SHA-256, SCRAM-SHA-1 and PLAIN to log in by; \
         if it wants TLS first, leave out tls=off"
    )]
    NoWay { at: String },
    #[error("the XMPP server {at} did not let us in: {reason}")]
    NotIn { at: String, reason: String },
    #[error("the XMPP connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("the XMPP server sent what cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("the XMPP server ended the connection: {0}")]
    Ended(ReceivedStreamError),
    #[error("the XMPP server closed the connection")]
    Closed,
    #[error("nothing was heard from the XMPP server for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the XMPP node is gone: {0}")]
    NoNode(&'static str),
    #[error("{service} refused to {what}: {}", shown(.error))]
    Declined { service: String, what: &'static str, error: Box<StanzaError> },
}

/// What a service answered, and what it said to it.
fn shown(error: &StanzaError) -> String {
    let text = error.texts.values().next().map(|text| format!(", {text}")).unwrap_or_default();
    let advice = match error.defined_condition {
        DefinedCondition::Forbidden | DefinedCondition::NotAllowed => {
            "; give the account the right to, at the service"
        }
        _ => "",
    };
    format!("{:?}{text}{advice}", error.defined_condition)
}
