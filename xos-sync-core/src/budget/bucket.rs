//! PURE: the tokens of one budget that this process has taken, and when to take more.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::Budget;

/// Tokens are taken for this long ahead, so that processes take turns often and one that dies or
/// runs out of rows wastes little.
const AHEAD: Duration = Duration::from_millis(250);

/// More are taken when the last ones are free this soon.
const EARLY: Duration = Duration::from_millis(50);

/// How long a token that was not used stays one: calls that were held up are not made up for.
const LAPSE: Duration = Duration::from_millis(250);

/// The tokens of one budget in this process.
#[derive(Debug)]
pub(crate) struct Bucket {
    budget: Budget,
    period: Duration,
    grants: VecDeque<Grant>,
    /// Tokens are being taken from the database.
    asking: bool,
    /// The database refused: not before this moment.
    not_before: Option<Instant>,
    /// Calls that found no token since [`Bucket::begin`].
    wanting: usize,
}

/// Tokens that were taken together: the first is free at `first`, the others follow.
#[derive(Debug)]
struct Grant {
    first: Instant,
    left: u32,
}

/// Tokens to take from the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) budget: Budget,
    pub(crate) tokens: u32,
}

impl Bucket {
    pub(crate) fn new(budget: Budget) -> Self {
        let period = budget.period();
        let (grants, not_before) = (VecDeque::new(), None);
        Self { budget, period, grants, asking: false, not_before, wanting: 0 }
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Forgets who wanted tokens, before all are asked anew.
    pub(crate) fn begin(&mut self) {
        self.wanting = 0;
    }

    /// Tokens for at most `wanted` calls that begin now.
    pub(crate) fn draw(&mut self, wanted: usize, now: Instant) -> usize {
        self.forget_lapsed(now);
        let mut drawn = 0;
        while drawn < wanted
            && let Some(grant) = self.grants.front_mut()
            && grant.first <= now
        {
            grant.first += self.period;
            grant.left -= 1;
            drawn += 1;
            if grant.left == 0 {
                self.grants.pop_front();
            }
        }
        self.wanting += wanted - drawn;
        drawn
    }

    /// Whether tokens are to be taken now. The answer must come by [`Bucket::granted`] or
    /// [`Bucket::refused`].
    pub(crate) fn request(&mut self, now: Instant) -> Option<Request> {
        let held: usize = self.grants.iter().map(|grant| grant.left as usize).sum();
        let last = self.grants.back().map(|grant| grant.first + self.period * grant.left);
        let resting = self.not_before.is_some_and(|at| at > now);
        if self.asking || resting || self.wanting <= held || last.is_some_and(|at| at > now + EARLY)
        {
            return None;
        }
        let most = (AHEAD.as_secs_f64() / self.period.as_secs_f64()).max(1.0);
        // `as` saturates.
        let tokens = (most as u32).min(u32::try_from(self.wanting - held).unwrap_or(u32::MAX));
        self.asking = true;
        Some(Request { budget: self.budget.clone(), tokens })
    }

    /// Tokens were taken, the first of which is free `wait` microseconds after `now`.
    pub(crate) fn granted(&mut self, tokens: u32, wait: i64, now: Instant) {
        self.asking = false;
        let distance = Duration::from_micros(wait.unsigned_abs());
        let first =
            if wait > 0 { now + distance } else { now.checked_sub(distance).unwrap_or(now) };
        self.grants.push_back(Grant { first, left: tokens });
    }

    /// The database did not answer.
    pub(crate) fn refused(&mut self, again: Instant) {
        self.asking = false;
        self.not_before = Some(again);
    }

    /// When there is something to do for those that found no token.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.wanting == 0 {
            return None;
        }
        let first = self.grants.front().map(|grant| grant.first);
        first.or(self.not_before.filter(|_| !self.asking))
    }

    fn forget_lapsed(&mut self, now: Instant) {
        let lapse = LAPSE + self.period * (self.budget.burst.max(1) - 1);
        while let Some(grant) = self.grants.front_mut()
            && grant.first + lapse < now
        {
            grant.first += self.period;
            grant.left -= 1;
            if grant.left == 0 {
                self.grants.pop_front();
            }
        }
    }
}
