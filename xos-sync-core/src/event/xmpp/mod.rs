//! Changes over XMPP, by a PubSub node (XEP-0060) of any server that has them.
//!
//! A change is one item, with the JSON of [`Change`](super::Change) as the text of
//! `<change xmlns='urn:xos-sync:change:1'>`. What else is published there is counted and dropped.
//! A connection that is silent for 20 seconds counts as lost. Nothing is asked for again: when
//! the connection is back, the framework looks at the database.

mod address;
mod asking;
mod connect;
mod feed;
mod lost;
mod node;
mod prune;
mod pruned;
mod publisher;
mod session;
mod tls;

pub use address::{XmppTls, XmppUrl, XmppUrlError};
pub use feed::XmppFeed;
pub use publisher::XmppPublisher;
