//! Writes that need a lock which somebody else has: tried again for a while, beside the others.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use diesel::result::Error as DieselError;

use super::{
    error_class::{ErrorClass, Messages},
    writer::Write,
};

/// What a write does when somebody else holds a row that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnLock {
    /// It fails at once: whoever wrote it goes on with other rows.
    Fail,
    /// It is tried again for a while.
    Wait,
}

/// How long a write is held before it fails.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often they are tried, and how long that may take.
const EVERY: Duration = Duration::from_millis(100);
const LONGEST_ROUND: Duration = Duration::from_millis(50);

/// The writes that are held up, the first one first.
#[derive(Default)]
pub(super) struct Held {
    writes: VecDeque<(Box<dyn Write>, Instant)>,
    tried: Option<Instant>,
}

/// One round of trying.
pub(super) struct Round {
    ends: Instant,
    left: usize,
}

impl Held {
    /// Takes a write that was refused, or tells it why.
    pub(super) fn take(&mut self, write: Box<dyn Write>, error: DieselError, messages: Messages) {
        self.take_again(write, Instant::now(), error, messages);
    }

    /// The same for one that is held since then.
    pub(super) fn take_again(
        &mut self,
        write: Box<dyn Write>,
        since: Instant,
        error: DieselError,
        messages: Messages,
    ) {
        // SQLite has waited by itself.
        let passes =
            messages != Messages::Sqlite && ErrorClass::of(&error, messages).may_pass_soon();
        let waits = write.on_lock() == OnLock::Wait && passes;
        if waits && since.elapsed() < PATIENCE {
            self.tried.get_or_insert_with(Instant::now);
            self.writes.push_back((write, since));
        } else {
            write.failed(error);
        }
    }

    /// Begins to try them, if it is time to.
    pub(super) fn round(&mut self) -> Round {
        let now = Instant::now();
        let is_due = self.tried.is_some_and(|tried| tried + EVERY <= now);
        let left = if is_due { self.writes.len() } else { 0 };
        if is_due {
            self.tried = (left > 0).then_some(now);
        }
        Round { ends: now + LONGEST_ROUND, left }
    }

    /// The next one of the round.
    pub(super) fn next(&mut self, round: &mut Round) -> Option<(Box<dyn Write>, Instant)> {
        if round.left == 0 || Instant::now() >= round.ends {
            return None;
        }
        round.left -= 1;
        self.writes.pop_front()
    }
}
