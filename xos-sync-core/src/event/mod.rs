//! What wakes a running Synchronizer. Events are hints: each may be lost, doubled, late or come
//! while a pass runs, and the outcome is the same, because the database is asked (C9).

use tokio::sync::watch;

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
    asked: watch::Receiver<u64>,
    changed: watch::Receiver<u64>,
}

/// Wakes a running Synchronizer from elsewhere in the program. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    asked: watch::Sender<u64>,
    changed: watch::Sender<u64>,
}

impl Default for Handle {
    fn default() -> Self {
        Self { asked: watch::Sender::new(0), changed: watch::Sender::new(0) }
    }
}

impl Handle {
    /// Sends an event. Never blocks, and does nothing when no run is under way.
    pub fn send(&self, event: Event) {
        let sender = match event {
            Event::Changed => &self.changed,
            Event::ComeRound => &self.asked,
        };
        sender.send_modify(|count| *count += 1);
    }
}

impl Feeds {
    pub(crate) fn new(db: &Db, handle: &Handle) -> Self {
        // What was before is seen by the run's first questions.
        Self {
            commits: db.others_commits(),
            asked: handle.asked.subscribe(),
            changed: handle.changed.subscribe(),
        }
    }

    /// The next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> Event {
        tokio::select! {
            () = news(&mut self.asked) => Event::ComeRound,
            () = self.commits.next() => Event::Changed,
            () = news(&mut self.changed) => Event::Changed,
        }
    }
}

async fn news(counter: &mut watch::Receiver<u64>) {
    if counter.changed().await.is_err() {
        // Its sender is gone: no more events from there.
        std::future::pending::<()>().await;
    }
}
