//! What a pass did, in numbers and in the log.

use std::{fmt, time::Duration};

use super::Finished;
use crate::{
    enacted::{Later, Stamp},
    error::BackendClass,
    step::Call,
};

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The pass's number, from 1 on; 0 when there was none.
    pub number: u64,
    /// Objects brought in line.
    pub enacted: u64,
    /// Objects removed from the backend and from the database.
    pub deleted: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that wait for something.
    pub waiting: u64,
    /// Rows that steps' own listings noted.
    pub noted: u64,
    /// The last trouble with the database or a listing.
    pub trouble: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Whether any object was touched.
    pub fn did_something(&self) -> bool {
        self.calls() + self.deleted + self.noted > 0
    }

    /// Calls that ended.
    pub fn calls(&self) -> u64 {
        self.enacted + self.failed + self.waiting
    }

    pub(super) fn count(&mut self, finished: &Finished) {
        let object = &finished.object;
        match &finished.outcome.stamp {
            Stamp::Enacted(_) => {
                self.enacted += 1;
                tracing::debug!(%object, "enacted");
            }
            // Counted when the row is gone.
            Stamp::NeverThere => {}
            Stamp::Gone => tracing::debug!(%object, "deleted from the backend"),
            Stamp::Later(Later { class: BackendClass::Waiting, reason, message, .. }) => {
                self.waiting += 1;
                tracing::debug!(%object, %reason, "waiting: {message}");
            }
            Stamp::Later(Later { class, reason, message, retry }) => {
                self.failed += 1;
                let what = match finished.call {
                    Call::Sync => "sync failed",
                    Call::Delete => "deletion failed",
                };
                tracing::warn!(%object, class = class.as_str(), %reason, attempts = retry.attempts, retry_at = %retry.at, "{what}: {message}");
            }
        }
    }

    pub(super) fn log(&self) {
        if self.did_something() {
            tracing::info!("pass {}: {self}", self.number);
        } else {
            tracing::debug!("pass {}: nothing to do", self.number);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} enacted, {} deleted, {} failed, {} waiting, in {:.1} s",
            self.enacted,
            self.deleted,
            self.failed,
            self.waiting,
            self.took.as_secs_f64()
        )
    }
}
