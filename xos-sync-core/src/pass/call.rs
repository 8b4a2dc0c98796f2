//! Many calls at once, each bounded, and what each came to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::sync::mpsc::UnboundedSender;
use tracing::Instrument as _;

use super::{Clock, Done, MOST_UNSTAMPED, Passes, limits::Limit};
use crate::{
    budget::Bucket,
    enacted::{Before, Later, Outcome, Stamp},
    error::{BackendClass, ErrorClass},
    lane::{ReadyRow, ReadyRows},
    members::Lease,
    model::{ModelInfo, ObjectRef},
    run,
    schedule::{Backoff, Retry},
    sql,
    step::{self, Call, Called, Context, StepSpec},
};

/// A row that has its outcome, which is not on disk yet.
pub(super) struct Finished {
    pub(super) lane: usize,
    pub(super) call: Call,
    pub(super) object: ObjectRef,
    /// The line of the journal that the row stands in.
    pub(super) journal: Option<i64>,
    pub(super) outcome: Outcome,
    /// The database refused to save it once.
    pub(super) refused: bool,
    /// Of this process's membership, when the row was taken in hand.
    pub(super) epoch: u32,
}

/// How many rows a worker hands to the step before it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// One: it has one token of the step's budget.
    One,
    /// All that are ready, until other steps wait for a free hand.
    Many,
}

/// What a worker needs: it hands one ready row after the other to the step.
struct Worker {
    rows: Rows,
    /// Other steps wait for a free hand.
    scarce: Arc<AtomicBool>,
    lane: usize,
    model: &'static ModelInfo,
    spec: &'static StepSpec,
    ready: Arc<ReadyRows>,
    context: Context,
    backoff: Backoff,
    clock: Clock,
    finished: UnboundedSender<Finished>,
    unstamped: Arc<AtomicUsize>,
    lease: Arc<Lease>,
}

impl Passes {
    /// Sets workers to the ready rows, as far as the limits allow. Where one limit keeps several
    /// lanes waiting, they take turns.
    pub(super) fn start_calls(&mut self) {
        if !self.membership.lease.holds() {
            return;
        }
        let now = Instant::now();
        self.buckets.iter_mut().for_each(Bucket::begin);
        let lanes = self.lanes.len();
        let mut bound = vec![None; lanes];
        let mut last = None;
        let first = self.first_lane;
        for at in (0..lanes).map(|place| (first + place) % lanes) {
            let begun = self.start_workers(at, now, &mut bound[at]);
            if begun > 0 {
                last = Some(at);
            }
        }
        let taking_turns =
            |limit: &Option<Limit>| matches!(limit, Some(Limit::Calls | Limit::Budget));
        if !bound.iter().any(taking_turns) {
            // Parents first.
            self.first_lane = 0;
        } else if let Some(at) = last {
            self.first_lane = (at + 1) % lanes;
        }
        self.scarce.store(bound.contains(&Some(Limit::Calls)), Relaxed);
        self.take_tokens(now);
        self.note_limits(bound, now);
    }

    /// Sets workers to one lane's rows; how many, and what kept others of its rows waiting.
    fn start_workers(&mut self, at: usize, now: Instant, bound: &mut Option<Limit>) -> usize {
        let lane = &self.lanes[at];
        let Some(observed) = lane.observed.clone() else { return 0 };
        if lane.ready.is_empty() {
            return 0;
        }
        let wanted = lane.workers_wanted();
        if wanted == 0 {
            *bound = (lane.workers >= lane.concurrency()).then_some(Limit::Concurrency);
            return 0;
        }
        if self.unstamped.load(Relaxed) >= MOST_UNSTAMPED {
            *bound = Some(Limit::Outcomes);
            return 0;
        }
        let free = wanted.min(self.limits.calls.saturating_sub(self.workers));
        let (rows, begun) = match self.bucket_of(at) {
            Some(bucket) => (Rows::One, self.buckets[bucket].draw(free, now)),
            None => (Rows::Many, free),
        };
        if begun < wanted {
            *bound = Some(if begun < free { Limit::Budget } else { Limit::Calls });
        }
        for _ in 0..begun {
            let worker = Worker {
                rows,
                scarce: self.scarce.clone(),
                lane: at,
                model: self.lanes[at].model,
                spec: observed.spec(),
                ready: self.lanes[at].ready.clone(),
                context: self.context.clone(),
                backoff: self.limits.backoff,
                clock: self.clock.clone(),
                finished: self.finished_sender.clone(),
                unstamped: self.unstamped.clone(),
                lease: self.membership.lease.clone(),
            };
            self.tasks.spawn(worker.work());
        }
        self.workers += begun;
        self.lanes[at].workers += begun;
        begun
    }

    pub(super) fn worker_left(&mut self, at: usize) {
        self.workers -= 1;
        self.lanes[at].workers -= 1;
    }

    pub(super) fn called(&mut self, finished: Finished) {
        self.report.count(&finished);
        self.finished.push(finished);
    }
}

impl Worker {
    async fn work(self) -> Done {
        // Where outcomes pile up because the database is slow, no more calls begin.
        // Where the lease is over, others may have the rows by now.
        while self.unstamped.load(Relaxed) < MOST_UNSTAMPED
            && self.lease.holds()
            && let Some(ready) = self.ready.pop()
        {
            let finished = self.call(ready).await;
            self.unstamped.fetch_add(1, Relaxed);
            let goes_on = self.rows == Rows::Many && !self.scarce.load(Relaxed);
            if self.finished.send(finished).is_err() || !goes_on {
                break;
            }
        }
        Done::WorkerLeft(self.lane)
    }

    async fn call(&self, ready: ReadyRow) -> Finished {
        let ReadyRow { row, call, journal, epoch } = ready;
        let (id, read, attempts) = (row.id(), row.updated(), row.attempts());
        let references = row.references();
        let before = if row.has_error() { Before::Troubled } else { Before::Steady };
        let object = row.object_ref();
        let span = tracing::debug_span!("object", step = self.spec.name, %object);
        let Called { result, save } =
            run::run(row, self.context.clone(), call, self.spec).instrument(span).await;
        let now = (self.clock)();
        let resync_at = match (call, &result) {
            (Call::Sync, Ok(step::Outcome::DoneUntil(after))) => Some(now.after(*after)),
            _ => None,
        };
        let stamp = match (call, result) {
            (_, Ok(step::Outcome::Wait(wait))) => Stamp::Later(Later {
                class: BackendClass::Waiting,
                reason: wait.reason().clone(),
                message: wait.message().to_owned(),
                retry: Retry::after(wait.after(), attempts, now),
            }),
            (Call::Sync, Ok(_)) => Stamp::Enacted(before),
            (Call::Delete, Ok(_)) => Stamp::Gone,
            (Call::Delete, Err(error)) if error.class() == ErrorClass::NotFound => Stamp::Gone,
            (_, Err(error)) => Stamp::Later(Later {
                class: error.class().backend_class(),
                reason: error.reason().clone(),
                message: error.message().to_owned(),
                retry: self.backoff.retry(error.class(), attempts, now, fastrand::f64()),
            }),
        };
        let step = sql::step_name(self.context.synchronizer(), self.spec.name);
        let outcome =
            Outcome { model: self.model, id, read, references, step, stamp, resync_at, save };
        Finished { lane: self.lane, call, object, journal, outcome, refused: false, epoch }
    }
}
