//! Many calls at once, each bounded, and what each came to.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::sync::mpsc::UnboundedSender;
use tracing::Instrument as _;

use super::{Clock, Done, MOST_UNSTAMPED, Passes};
use crate::{
    enacted::{Before, Failure, Outcome, Stamp},
    error::ErrorClass,
    lane::{ReadyRow, ReadyRows},
    members::Lease,
    model::{ModelInfo, ObjectRef},
    run,
    schedule::Backoff,
    step::{Call, Called, Context, StepSpec},
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

/// What a worker needs: it hands one ready row after the other to the step.
struct Worker {
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
    /// Sets workers to the ready rows, as far as the limits allow.
    pub(super) fn start_calls(&mut self) {
        if !self.membership.lease.holds() {
            return;
        }
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            let Some(observed) = &lane.observed else { continue };
            let free = self.limits.calls.saturating_sub(self.workers);
            if self.unstamped.load(Relaxed) >= MOST_UNSTAMPED {
                return;
            }
            for _ in 0..lane.workers_wanted().min(free) {
                lane.workers += 1;
                self.workers += 1;
                let worker = Worker {
                    lane: at,
                    model: lane.model,
                    spec: observed.spec(),
                    ready: lane.ready.clone(),
                    context: self.context.clone(),
                    backoff: self.limits.backoff,
                    clock: self.clock.clone(),
                    finished: self.finished_sender.clone(),
                    unstamped: self.unstamped.clone(),
                    lease: self.membership.lease.clone(),
                };
                self.tasks.spawn(worker.work());
            }
        }
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
            if self.finished.send(finished).is_err() {
                break;
            }
        }
        Done::WorkerLeft(self.lane)
    }

    async fn call(&self, ready: ReadyRow) -> Finished {
        let ReadyRow { row, call, journal, epoch } = ready;
        let (id, read, attempts) = (row.id(), row.updated(), row.attempts());
        let before = if row.is_troubled() { Before::Troubled } else { Before::Steady };
        let object = row.object_ref();
        let span = tracing::debug_span!("object", step = self.spec.name, %object);
        let Called { result, save } =
            run::run(row, self.context.clone(), call, self.spec).instrument(span).await;
        let stamp = match (call, result) {
            (Call::Sync, Ok(())) => Stamp::Enacted(before),
            (Call::Delete, Ok(())) => Stamp::Gone,
            (Call::Delete, Err(error)) if error.class() == ErrorClass::NotFound => Stamp::Gone,
            (_, Err(error)) => Stamp::Failed(Failure {
                class: error.class().as_str(),
                message: error.message().to_owned(),
                retry: self.backoff.retry(error.class(), attempts, (self.clock)(), fastrand::f64()),
            }),
        };
        let outcome = Outcome { model: self.model, id, read, stamp, save };
        Finished { lane: self.lane, call, object, journal, outcome, refused: false, epoch }
    }
}
