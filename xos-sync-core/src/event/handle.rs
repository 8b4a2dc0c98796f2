//! The end of an event's way: what a run waits for.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::{
    Event,
    latch::{Hints, Latch},
};

/// Wakes a Synchronizer from elsewhere in the program. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    latch: Mutex<Latch>,
    news: Notify,
}

impl Handle {
    /// For the models of these tables; events about others are dropped.
    pub(crate) fn new(tables: impl IntoIterator<Item = &'static str>) -> Self {
        let latch = Mutex::new(Latch::new(tables));
        Self { inner: Arc::new(Inner { latch, news: Notify::new() }) }
    }

    /// Sends an event; whether it concerns a model that the Synchronizer knows. Never blocks;
    /// when no run is under way, the next one sees it.
    pub fn send(&self, event: Event) -> bool {
        let known = self.inner.latch.lock().unwrap_or_else(PoisonError::into_inner).note(event);
        if known {
            self.inner.news.notify_one();
        }
        known
    }

    /// So much changed that nobody listens to each of it.
    #[cfg(feature = "postgres")]
    pub(super) fn changed_often(&self) {
        self.inner.latch.lock().unwrap_or_else(PoisonError::into_inner).changed_often();
        self.inner.news.notify_one();
    }

    /// Waits until there is something, and takes all of it. Cancel safe.
    pub(crate) async fn hints(&self) -> Hints {
        loop {
            self.inner.news.notified().await;
            let hints = self.inner.latch.lock().unwrap_or_else(PoisonError::into_inner).take();
            if !hints.is_empty() {
                return hints;
            }
        }
    }
}
