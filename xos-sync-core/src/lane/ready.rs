//! Rows between a lane and its workers.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::step::{AnyRow, Call};

/// The rows of a lane that are ready, between the lane and its workers.
#[derive(Default)]
pub(crate) struct ReadyRows(Mutex<Queues>);

/// Two queues, so that what a person has just changed does not stand behind a bulk import.
#[derive(Default)]
struct Queues {
    /// Rows that somebody has just changed.
    first: VecDeque<ReadyRow>,
    /// Rows that were found by looking.
    rest: VecDeque<ReadyRow>,
    /// Rows taken from the first queue since one was taken from the other.
    favoured: u32,
}

/// Where a row queues up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Rest,
}

/// Of so many rows one is of those found by looking, so that they go on too.
pub(super) const FAVOURED: u32 = 4;

/// A row that is ready, and the line of the journal that it stands in.
pub(crate) struct ReadyRow {
    pub(crate) row: Box<dyn AnyRow>,
    pub(crate) call: Call,
    pub(crate) journal: Option<i64>,
    /// Of this process's membership, when it was taken in hand.
    pub(crate) epoch: u32,
}

impl ReadyRows {
    pub(crate) fn push(&self, row: ReadyRow, place: Place) {
        let mut queues = self.lock();
        match place {
            Place::First => queues.first.push_back(row),
            Place::Rest => queues.rest.push_back(row),
        }
    }

    /// The next row for a worker.
    pub(crate) fn pop(&self) -> Option<ReadyRow> {
        let mut queues = self.lock();
        let turn_of_rest = queues.favoured >= FAVOURED && !queues.rest.is_empty();
        if !turn_of_rest && let Some(row) = queues.first.pop_front() {
            queues.favoured += 1;
            return Some(row);
        }
        queues.favoured = 0;
        queues.rest.pop_front()
    }

    /// Rows that were found by looking.
    pub(super) fn found(&self) -> usize {
        self.lock().rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        let queues = self.lock();
        queues.first.len() + queues.rest.len()
    }

    pub(super) fn remove(&self, which: impl Fn(i64) -> bool) -> Vec<ReadyRow> {
        let mut queues = self.lock();
        let Queues { first, rest, .. } = &mut *queues;
        let mut gone = Vec::new();
        for queue in [first, rest] {
            let (out, kept): (Vec<_>, Vec<_>) =
                queue.drain(..).partition(|ready| which(ready.row.id()));
            queue.extend(kept);
            gone.extend(out);
        }
        gone
    }

    /// Takes all: those that somebody had just changed, and those found by looking.
    pub(super) fn drain(&self) -> (VecDeque<ReadyRow>, VecDeque<ReadyRow>) {
        let queues = std::mem::take(&mut *self.lock());
        (queues.first, queues.rest)
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        // Nothing that holds the lock can panic; if it did, the queues would be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
