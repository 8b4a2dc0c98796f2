//! Trouble of a whole database, and which of its connections are still good.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Why a database as a whole does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Since when, in microseconds since 1970.
    pub since: i64,
    /// What is wrong, and what to do.
    pub message: String,
}

/// How long the queue of notifications counts as full after a write that it refused, in
/// microseconds.
const QUEUE_IS_FULL_FOR: i64 = 60_000_000;

const QUEUE_IS_FULL: &str = "the server's notification queue is full: this process writes without \
     notifications, and writers are refused; end the sessions that listen and lie idle in a transaction \
     (pg_stat_activity), or enlarge max_notify_queue_pages";

/// Shared by all that have connections to a database.
#[derive(Debug, Default)]
pub(crate) struct Health(watch::Sender<State>);

#[derive(Debug, Default, Clone)]
struct State {
    /// A connection of an earlier generation may lead to a server or file that is not the
    /// database any more.
    generation: u64,
    trouble: Option<Trouble>,
    /// Writes that could not notify: since when, and the last one.
    unnotified: Option<(i64, i64)>,
    /// No connection may be opened, used or closed any more.
    sealed: bool,
}

impl Health {
    pub(super) fn generation(&self) -> u64 {
        self.0.borrow().generation
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.0.borrow().trouble.clone()
    }

    /// A write was made without notifications, because their queue is full.
    pub(super) fn queue_is_full(&self) {
        let now = now();
        self.0.send_modify(|state| {
            let since = match state.unnotified {
                Some((since, last)) if now - last < QUEUE_IS_FULL_FOR => since,
                _ => now,
            };
            state.unnotified = Some((since, now));
        });
    }

    /// That the queue of notifications is full, or was a moment ago.
    pub(crate) fn queue_trouble(&self) -> Option<Trouble> {
        let (since, last) = self.0.borrow().unnotified?;
        (now() - last < QUEUE_IS_FULL_FOR).then(|| Trouble { since, message: QUEUE_IS_FULL.into() })
    }

    pub(super) fn is_troubled(&self) -> bool {
        self.0.borrow().trouble.is_some()
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.0.borrow().sealed
    }

    /// The trouble ends only with this process.
    pub(super) fn seal(&self, message: &str) {
        self.failed(message);
        self.0.send_modify(|state| state.sealed = true);
    }

    /// All connections are to be opened again.
    pub(super) fn replace_connections(&self) {
        self.0.send_modify(|state| state.generation += 1);
    }

    pub(super) fn failed(&self, message: impl Into<String>) {
        let message = message.into();
        self.0.send_if_modified(|state| {
            let since = match &state.trouble {
                Some(trouble) if trouble.message == message => return false,
                Some(trouble) => trouble.since,
                None => now(),
            };
            tracing::error!("{message}");
            state.trouble = Some(Trouble { since, message });
            true
        });
    }

    pub(super) fn recovered(&self) {
        self.0.send_if_modified(|state| {
            if state.sealed {
                return false;
            }
            let was = state.trouble.take();
            if was.is_some() {
                tracing::info!("the database works again");
            }
            was.is_some()
        });
    }

    /// Watches from now on.
    #[cfg(feature = "postgres")]
    pub(crate) fn watch(&self) -> HealthWatch {
        let state = self.0.subscribe();
        let generation = state.borrow().generation;
        HealthWatch { state, generation }
    }
}

/// Waits for the end of the connections that were opened after it was made.
#[cfg(feature = "postgres")]
pub(crate) struct HealthWatch {
    state: watch::Receiver<State>,
    generation: u64,
}

#[cfg(feature = "postgres")]
impl HealthWatch {
    /// Waits until the trouble that there is has changed or is over; what it is then.
    pub(crate) async fn next(&mut self) -> Option<Trouble> {
        let _ = self.state.changed().await;
        let state = self.state.borrow_and_update();
        self.generation = state.generation;
        state.trouble.clone()
    }

    /// Waits until the database has trouble, or its connections are to be replaced; why.
    pub(crate) async fn ended(&mut self) -> String {
        loop {
            {
                let state = self.state.borrow_and_update();
                if let Some(trouble) = &state.trouble {
                    return trouble.message.clone();
                }
                if state.generation != self.generation {
                    return "the connections to the database are opened again".into();
                }
            }
            if self.state.changed().await.is_err() {
                return "the database is closed".into();
            }
        }
    }
}

fn now() -> i64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_changes_its_name_has_lasted_since_it_began() {
        let health = Health::default();
        health.failed("the file is gone");
        let begun = health.trouble().unwrap().since;
        health.failed("the file cannot be read");
        let trouble = health.trouble().unwrap();
        assert_eq!((trouble.since, &*trouble.message), (begun, "the file cannot be read"));
        health.recovered();
        assert!(!health.is_troubled());
    }
}
