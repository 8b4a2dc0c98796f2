//! Events by NATS JetStream: a URL says where, a session is one connection, and a feed and a
//! publisher use one after the other.

mod url;
mod subject;
mod tls;
mod session;
mod feed;
mod publisher;

pub use feed::NatsFeed;
pub use publisher::NatsPublisher;
