//! A feed: where events come from outside. One that is down costs time, nothing else.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Event, Handle, wire::Change};
use crate::{error::sanitize, model::Micros, schedule::Backoff};

/// How long a feed that was lost waits before it connects again.
pub(super) const RECONNECT: Backoff =
    Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(30) };

/// Why a feed was lost, for the status. Without credentials.
pub type FeedError = Box<dyn std::error::Error + Send + Sync>;

/// Listens somewhere for changes of the data model.
///
/// # Guarantees
/// [`Feed::listen`] is called again, after a growing wait, whenever it has returned.
///
/// # Assumptions
/// It tells its [`Inbox`] when it is connected: what was missed until then is looked for in the
/// database. Dropping the future of `listen` ends the connection.
#[async_trait]
pub trait Feed: Send + 'static {
    /// What the status calls it, for instance `xmpp pubsub.example.org`. Without credentials.
    fn name(&self) -> String;

    /// Connects, and delivers events until the connection is lost.
    ///
    /// # Errors
    /// Always, with the reason why it has ended.
    async fn listen(&mut self, inbox: &Inbox) -> Result<Infallible, FeedError>;
}

#[async_trait]
impl Feed for Box<dyn Feed> {
    fn name(&self) -> String {
        (**self).name()
    }

    async fn listen(&mut self, inbox: &Inbox) -> Result<Infallible, FeedError> {
        (**self).listen(inbox).await
    }
}

/// How a feed is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// The feed.
    pub name: String,
    /// Whether it is connected.
    pub up: bool,
    /// Since when, in microseconds since 1970.
    pub since: i64,
    /// Events that it delivered.
    pub received: u64,
    /// Payloads that were no event of ours.
    pub dropped: u64,
    /// Why it is down.
    pub message: Option<String>,
}

/// Where a feed puts what it hears. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    handle: Handle,
    status: Arc<Mutex<FeedStatus>>,
    /// Connected since it last began to listen.
    connected: Arc<AtomicBool>,
}

impl Inbox {
    pub(crate) fn new(name: String, handle: Handle) -> Self {
        let status = FeedStatus {
            name,
            up: false,
            since: Micros::now().0,
            received: 0,
            dropped: 0,
            message: Some("not connected yet".into()),
        };
        Self { handle, status: Arc::new(Mutex::new(status)), connected: Arc::default() }
    }

    /// The feed is connected: from now on nothing is missed.
    pub fn connected(&self) {
        self.connected.store(true, Relaxed);
        {
            let mut status = self.lock();
            if !status.up {
                tracing::info!(feed = status.name, "listening for events");
                (status.up, status.since, status.message) = (true, Micros::now().0, None);
            }
        }
        // Whatever changed while nobody listened.
        self.handle.send(Event::Changed);
    }

    /// Delivers a payload as [`Change`] describes it; anything else is counted and dropped.
    pub fn receive(&self, payload: &[u8]) {
        match Change::parse(payload) {
            Some(change) => self.send(change.into_event()),
            None => self.lock().dropped += 1,
        }
    }

    /// Delivers an event; one about a model that is not known here is counted and dropped.
    pub fn send(&self, event: Event) {
        let known = self.handle.send(event);
        let mut status = self.lock();
        if known {
            status.received += 1;
        } else {
            status.dropped += 1;
        }
    }

    /// So much was said that nobody listens to each of it: anything may have changed.
    #[cfg(feature = "postgres")]
    pub(super) fn changed_often(&self, events: u64) {
        self.lock().received += events;
        self.handle.changed_often();
    }

    /// How the feed is doing.
    pub fn status(&self) -> FeedStatus {
        self.lock().clone()
    }

    pub(super) fn lost(&self, error: &FeedError) {
        let message = sanitize(error.to_string());
        let mut status = self.lock();
        if status.up || status.message.as_deref() != Some(&message) {
            tracing::warn!(feed = status.name, "{message}; the safety poll goes on without it");
        }
        if status.up {
            status.since = Micros::now().0;
        }
        (status.up, status.message) = (false, Some(message));
    }

    fn lock(&self) -> MutexGuard<'_, FeedStatus> {
        // Nothing that holds the lock can panic.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A feed that one run after the other listens to.
pub(crate) type SharedFeed = Arc<tokio::sync::Mutex<Box<dyn Feed>>>;

/// Listens for ever: connects again whenever the connection is lost.
pub(crate) async fn keep(feed: SharedFeed, inbox: Inbox) {
    let mut feed = feed.lock().await;
    let mut failures = 0;
    loop {
        inbox.connected.store(false, Relaxed);
        let error = match feed.listen(&inbox).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        inbox.lost(&error);
        failures = if inbox.connected.load(Relaxed) { 1 } else { failures + 1 };
        tokio::time::sleep(RECONNECT.wait(failures, fastrand::f64())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_counts_what_it_drops() {
        let handle = Handle::new(["farms"]);
        let inbox = Inbox::new("test".into(), handle);
        inbox.receive(br#"{"model":"farms","uid":"abc"}"#);
        inbox.receive(br#"{"model":"moons"}"#);
        inbox.receive(b"rubbish");
        let status = inbox.status();
        assert_eq!((status.received, status.dropped), (1, 2));
    }

    struct Flaky(u32);

    #[async_trait]
    impl Feed for Flaky {
        fn name(&self) -> String {
            "flaky".into()
        }

        async fn listen(&mut self, inbox: &Inbox) -> Result<Infallible, FeedError> {
            self.0 += 1;
            if self.0 == 3 {
                inbox.connected();
                std::future::pending::<()>().await;
            }
            Err("cannot reach amqp://me:secret@host".into())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_feed_connects_again_and_shows_no_password() {
        let handle = Handle::new(["farms"]);
        let inbox = Inbox::new("flaky".into(), handle.clone());
        let shared: SharedFeed = Arc::new(tokio::sync::Mutex::new(Box::new(Flaky(0))));
        let keeper = tokio::spawn(keep(shared, inbox.clone()));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(inbox.status().message.as_deref(), Some("cannot reach amqp://me:***@host"));
        assert!(handle.hints().await.anything);
        assert!(inbox.status().up);
        keeper.abort();
    }
}
