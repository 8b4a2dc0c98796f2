//! What wakes a running Synchronizer. Events are hints: each may be lost, doubled, late or come
//! while a pass runs, and the outcome is the same, because the database is asked (C9).
//!
//! Several feeds deliver at once; what they say is latched in bounded space, so that a storm
//! costs no memory and an event that comes while nobody waits is seen by the next wait.

mod bridge;
mod bus;
mod feed;
mod feeds;
mod handle;
mod latch;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "postgres")]
mod postgres;
mod probe;
mod wire;
#[cfg(feature = "xmpp")]
mod xmpp;

pub use bridge::{Bridge, Publisher};
pub use bus::{feed_at, publisher_at};
pub use feed::{Feed, FeedError, FeedStatus, Inbox};
pub use handle::Handle;
#[cfg(feature = "nats")]
pub use nats::{NatsFeed, NatsPublisher};
pub use wire::Change;
#[cfg(feature = "xmpp")]
pub use xmpp::{XmppFeed, XmppPublisher, XmppTls, XmppUrl, XmppUrlError};

pub(crate) use feed::SharedFeed;
pub(crate) use feeds::{Feeds, Notice, database_feed};
pub(crate) use latch::Hints;

/// Something that a run reacts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The data model may have changed, anywhere.
    Changed,
    /// Rows of one model may have changed.
    ModelChanged {
        /// The model's table.
        table: String,
    },
    /// One row may have changed.
    RowChanged {
        /// The model's table.
        table: String,
        /// Which row.
        row: RowKey,
    },
    /// Another process has enacted rows, for which others may have waited.
    Enacted {
        /// The model's table.
        table: String,
        /// The keys of their bookkeeping.
        ids: Vec<i64>,
    },
    /// A process that shares the work has come, left, or given rows away.
    MembersChanged,
    /// Every step is to come round now, whatever its interval.
    ComeRound,
}

/// What a row is named by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// The key of its bookkeeping in this database (`sync_id`).
    Id(i64),
    /// Its identity, of letters, digits, `-` and `_`.
    Uid(String),
}
