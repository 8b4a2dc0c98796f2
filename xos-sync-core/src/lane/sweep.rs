//! Going through all rows that are wanted for one thing.

use std::time::{Duration, Instant};

use crate::{
    model::Micros,
    pending::{Question, Rows, Want},
};

/// Looking in vain may take up to one part in this many of the time: where many rows are
/// blocked, looking at all of them again and again would cost more than it finds.
const SWEEP_SHARE: u32 = 4;

/// Going through all rows that are wanted for one thing, in the order of their keys.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) want: Want,
    /// Something may have changed since the last one began.
    pub(super) dirty: bool,
    /// The last key seen, while one is under way.
    after: Option<i64>,
    /// Rows after this key were given back: it goes on there.
    back_to: Option<i64>,
    pub(super) rest_until: Option<Instant>,
    /// How long the end of the one before took: one that was slow by chance is not paid for.
    took: Duration,
    /// The version of the newest row seen when the rows changed last were asked for.
    newest: i64,
}

impl Sweep {
    /// One that has not begun yet.
    pub(super) fn new(want: Want, now: Micros) -> Self {
        Self {
            want,
            dirty: true,
            after: None,
            back_to: None,
            rest_until: None,
            took: Duration::ZERO,
            newest: now.0,
        }
    }

    /// Whether it is about to begin anew.
    pub(super) fn begins(&self, now: Instant) -> bool {
        self.dirty
            && self.after.is_none()
            && self.rest_until.is_none_or(|rest_until| rest_until <= now)
    }

    /// Whether it has a question.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        self.after.is_some() || self.begins(now)
    }

    /// Whether nothing is left to ask.
    pub(super) fn is_over(&self) -> bool {
        !self.dirty && self.after.is_none()
    }

    /// When it may begin anew, if it is to.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        self.rest_until.filter(|_| self.dirty && self.after.is_none())
    }

    /// The next batch.
    pub(super) fn next_question(&mut self) -> Question {
        let back_to = self.back_to.take();
        let after = match self.after {
            Some(after) => back_to.map_or(after, |back_to| back_to.min(after)),
            None => {
                self.dirty = false;
                0
            }
        };
        self.after = Some(after);
        Question::Next { want: self.want, after }
    }

    /// Takes note of an answer: the last key that was seen, if there may be more after it.
    pub(super) fn answered(&mut self, last: Option<i64>, took: Duration, now: Instant) {
        self.after = last;
        if last.is_none() {
            // A full batch was worth its time; what counts is looking at rows that are not ready.
            self.rest_until = Some(now + took.min(self.took) * (SWEEP_SHARE - 1));
            self.took = took;
        }
    }

    /// It was not answered.
    pub(super) fn begin_anew(&mut self) {
        self.dirty = true;
        self.after = None;
    }

    /// Rows are to be read anew: of those that were news, the oldest version, and of the others
    /// the least key.
    pub(super) fn given_back(&mut self, oldest: Option<i64>, least: Option<i64>) {
        if let Some(oldest) = oldest {
            // What was news still is.
            self.newest = self.newest.min(oldest.saturating_sub(1));
        }
        if let Some(least) = least {
            let back_to = least.saturating_sub(1);
            self.back_to = Some(self.back_to.map_or(back_to, |before| before.min(back_to)));
        }
    }

    /// Leaves, of the rows that were changed last, those that this is news of.
    pub(super) fn keep_news(&mut self, rows: &mut Rows) {
        let seen = self.newest;
        rows.retain(|updated| {
            self.newest = self.newest.max(updated);
            updated > seen
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(sweep: &mut Sweep) -> i64 {
        match sweep.next_question() {
            Question::Next { after, .. } => after,
            Question::Woken(_) => unreachable!(),
        }
    }

    #[test]
    fn of_the_rows_changed_last_only_those_are_news_that_were_not_seen_before() {
        let mut sweep = Sweep::new(Want::Purge, Micros(10));
        let mut news = |versions: &[i64], given_back| {
            sweep.given_back(given_back, None);
            let mut rows = Rows::Purge(versions.iter().map(|version| (7, *version)).collect());
            sweep.keep_news(&mut rows);
            let Rows::Purge(rows) = rows else { unreachable!() };
            rows.into_iter().map(|(_, version)| version).collect::<Vec<_>>()
        };
        assert_eq!(news(&[12, 11, 10, 9], None), [12, 11]);
        assert_eq!(news(&[14, 12, 11, 10], None), [14]);
        assert_eq!(news(&[14, 12, 11, 10], None), [0; 0]);
        assert_eq!(news(&[15, 14, 12, 11], Some(12)), [15, 14, 12]);
    }

    #[test]
    fn it_goes_back_to_rows_that_were_given_back() {
        let (mut sweep, now) = (Sweep::new(Want::Sync, Micros(0)), Instant::now());
        assert_eq!(asked(&mut sweep), 0);
        sweep.given_back(None, Some(30));
        sweep.given_back(None, Some(20));
        sweep.answered(Some(40), Duration::ZERO, now);
        assert_eq!(asked(&mut sweep), 19);
        sweep.answered(Some(50), Duration::ZERO, now);
        assert_eq!(asked(&mut sweep), 50);
    }

    #[test]
    fn it_goes_back_to_nothing_when_it_begins_anew() {
        let (mut sweep, now) = (Sweep::new(Want::Sync, Micros(0)), Instant::now());
        assert_eq!(asked(&mut sweep), 0);
        sweep.given_back(None, Some(20));
        sweep.answered(None, Duration::ZERO, now);
        sweep.dirty = true;
        assert_eq!(asked(&mut sweep), 0);
        sweep.answered(Some(50), Duration::ZERO, now);
        assert_eq!(asked(&mut sweep), 50);
    }
}
