//! How many rows are worth reading at once.

use std::time::{Duration, Instant};

use crate::pending::BATCH;

/// How many rows are read at once: doubled while they are used up at once, halved while they
/// lie.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) size: usize,
    least: usize,
    /// When the last full batch came.
    filled: Option<Instant>,
}

/// Rows that are used up within this time are read in larger batches.
const QUICK: Duration = Duration::from_millis(100);
/// Rows that lie for longer than this are read in smaller ones.
const SLOW: Duration = Duration::from_secs(1);

impl Pace {
    pub(super) fn new(least: usize) -> Self {
        let least = least.clamp(1, BATCH);
        Self { size: least, least, filled: None }
    }

    pub(super) fn answered(&mut self, now: Instant) {
        self.filled = Some(now);
    }

    pub(super) fn asks(&mut self, now: Instant) {
        let Some(filled) = self.filled.take() else { return };
        let lay = now.saturating_duration_since(filled);
        if lay < QUICK {
            self.size = (self.size * 2).min(BATCH);
        } else if lay > SLOW {
            self.size = (self.size / 2).max(self.least);
        }
    }
}
