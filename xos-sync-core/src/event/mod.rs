//! What wakes a running Synchronizer. Events are hints: each may be lost, doubled, late or come
//! while a pass runs, and the outcome is the same, because the database is asked (C9).

use std::sync::Arc;

use tokio::sync::Notify;

use crate::db::{Db, OthersCommits};

/// Something that a run reacts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The data model may have changed.
    Changed,
    /// Every step is to come round now, whatever its interval.
    ComeRound,
}

/// Where events come from: commits by anybody on the database, and a running program's own
/// [`Handle`]. Latched: an event that comes while nobody waits is seen by the next wait.
pub(crate) struct Feeds {
    commits: OthersCommits,
    handle: Handle,
}

/// Wakes a Synchronizer from elsewhere in the program. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    asked: Arc<Notify>,
    changed: Arc<Notify>,
}

impl Handle {
    /// Sends an event. Never blocks; when no run is under way, the next one sees it.
    pub fn send(&self, event: Event) {
        match event {
            Event::Changed => self.changed.notify_one(),
            Event::ComeRound => self.asked.notify_one(),
        }
    }
}

impl Feeds {
    pub(crate) fn new(db: &Db, handle: &Handle) -> Self {
        // What was before is seen by the run's first questions.
        Self { commits: db.others_commits(), handle: handle.clone() }
    }

    /// The next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> Event {
        tokio::select! {
            () = self.handle.asked.notified() => Event::ComeRound,
            () = self.commits.next() => Event::Changed,
            () = self.handle.changed.notified() => Event::Changed,
        }
    }
}
