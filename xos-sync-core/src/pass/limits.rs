//! What holds rows back that are ready: the limits, how they are shared out, and which binds.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{AGAIN, Done, Passes};
use crate::{
    budget::{self, Bucket, Request},
    schedule::Backoff,
};

/// What a run can be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Calls at once, of all steps together.
    pub(crate) calls: usize,
    pub(crate) backoff: Backoff,
}

/// A limit that binds: rows are ready, and it keeps them from their calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitStatus {
    /// The step whose rows wait; `None` when the framework's own questions do.
    pub step: Option<String>,
    /// The limit, in words.
    pub limit: String,
    /// For how much of the last few seconds, in percent.
    pub share: u8,
}

/// A limit that keeps a lane's rows waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// The step's own.
    Concurrency,
    /// Calls of all steps together.
    Calls,
    /// The budget that the step draws on.
    Budget,
    /// The database is slow to take what calls came to.
    Outcomes,
}

const ALL: [Limit; 4] = [Limit::Concurrency, Limit::Calls, Limit::Budget, Limit::Outcomes];

/// For how long which limit kept whom waiting, since it was last told.
pub(super) struct Tally {
    since: Instant,
    last: Instant,
    lanes: Vec<LaneTally>,
    connections: Duration,
    /// The connections are all in use, since the last turn.
    crowded: bool,
}

#[derive(Debug, Clone, Default)]
struct LaneTally {
    bound: Option<Limit>,
    times: [Duration; ALL.len()],
}

/// Shares below this are not worth a word.
const LEAST_SHARE: u128 = 5;

impl Tally {
    pub(super) fn new(lanes: usize) -> Self {
        let now = Instant::now();
        Self {
            since: now,
            last: now,
            lanes: vec![LaneTally::default(); lanes],
            connections: Duration::ZERO,
            crowded: false,
        }
    }

    /// The time since the last turn counts for the limits that bound at its end.
    fn pass(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.last);
        self.last = now;
        for LaneTally { bound, times } in &mut self.lanes {
            if let Some(limit) = bound {
                times[*limit as usize] += passed;
            }
        }
        if self.crowded {
            self.connections += passed;
        }
    }

    /// Whether anything binds now, or did since it was last told.
    pub(super) fn has_news(&self) -> bool {
        let bound =
            |lane: &LaneTally| lane.bound.is_some() || lane.times != LaneTally::default().times;
        self.crowded || self.connections > Duration::ZERO || self.lanes.iter().any(bound)
    }
}

impl Passes {
    /// What bound since it was last asked.
    pub(super) fn binding_limits(&mut self, now: Instant) -> Vec<LimitStatus> {
        self.tally.pass(now);
        let whole = now.saturating_duration_since(self.tally.since).as_micros().max(1);
        let share =
            |time: Duration| u8::try_from(time.as_micros() * 100 / whole).unwrap_or(100).min(100);
        let mut limits = Vec::new();
        for (at, lane) in self.tally.lanes.iter().enumerate() {
            let longest = ALL.into_iter().max_by_key(|limit| lane.times[*limit as usize]);
            let Some(limit) = longest else { continue };
            let share = share(lane.times[limit as usize]);
            let Some(observed) = &self.lanes[at].observed else { continue };
            if u128::from(share) >= LEAST_SHARE {
                let step = Some(observed.spec().name.to_owned());
                limits.push(LimitStatus { step, limit: self.in_words(at, limit), share });
            }
        }
        let connections = share(self.tally.connections);
        if u128::from(connections) >= LEAST_SHARE {
            let limit = format!("the {} connections to the database", self.db.connections());
            limits.push(LimitStatus { step: None, limit, share: connections });
        }
        self.tally.since = now;
        self.tally.connections = Duration::ZERO;
        self.tally.lanes.iter_mut().for_each(|lane| lane.times = LaneTally::default().times);
        limits
    }

    fn in_words(&self, at: usize, limit: Limit) -> String {
        match limit {
            Limit::Concurrency => format!("its concurrency of {}", self.lanes[at].concurrency()),
            Limit::Calls => format!("the {} calls at once of this process", self.limits.calls),
            Limit::Budget => match self.bucket_of(at) {
                Some(bucket) => format!("the budget {}", self.buckets[bucket].budget()),
                None => "its budget".into(),
            },
            Limit::Outcomes => "the database, which is slow to take outcomes".into(),
        }
    }

    /// The place of the budget that a lane draws on.
    pub(super) fn bucket_of(&self, at: usize) -> Option<usize> {
        let name = self.lanes[at].observed.as_ref()?.spec().budget?;
        self.buckets.iter().position(|bucket| bucket.budget().name() == name)
    }

    /// Takes note of what kept each lane's rows waiting at the end of this turn.
    pub(super) fn note_limits(&mut self, bound: Vec<Option<Limit>>, now: Instant) {
        self.tally.pass(now);
        for (lane, limit) in self.tally.lanes.iter_mut().zip(bound) {
            lane.bound = limit;
        }
        self.tally.crowded = self.db.is_crowded();
        if self.tally.has_news() {
            self.membership.has_news(now);
        }
    }

    /// Takes tokens of the budgets whose steps wait for some.
    pub(super) fn take_tokens(&mut self, now: Instant) {
        for at in 0..self.buckets.len() {
            let Some(Request { budget, tokens }) = self.buckets[at].request(now) else { continue };
            let db = self.db.clone();
            self.tasks.spawn(async move {
                let take =
                    move |conn: &mut crate::db::AnyConnection| budget::take(conn, &budget, tokens);
                let wait = db.write_quietly(take).await.map_err(|error| error.to_string());
                Done::Granted { bucket: at, tokens, wait }
            });
        }
    }

    pub(super) fn granted(&mut self, bucket: usize, tokens: u32, wait: Result<i64, String>) {
        let now = Instant::now();
        match wait {
            Ok(wait) => self.buckets[bucket].granted(tokens, wait, now),
            Err(error) => {
                tracing::warn!(%error, "cannot draw on a budget; its steps wait");
                self.report.trouble = Some(error);
                self.buckets[bucket].refused(now + AGAIN);
            }
        }
    }

    /// When the next token is free that somebody waits for.
    pub(super) fn next_token(&self) -> Option<Instant> {
        self.buckets.iter().filter_map(Bucket::due).min()
    }
}
