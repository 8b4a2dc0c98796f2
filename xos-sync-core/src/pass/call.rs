//! Many calls at once, each bounded, and what each came to.

use tracing::Instrument as _;

use super::{Done, MOST_UNSTAMPED, Passes};
use crate::{
    enacted::{Failure, Outcome, Stamp},
    error::ErrorClass,
    lane::ReadyRow,
    model::ObjectRef,
    run,
    step::{Call, Called},
};

/// A row that has its outcome, which is not on disk yet.
pub(super) struct Finished {
    pub(super) lane: usize,
    pub(super) call: Call,
    pub(super) object: ObjectRef,
    /// The line of the journal that the row stands in.
    pub(super) journal: Option<i64>,
    pub(super) outcome: Outcome,
}

impl Passes {
    /// Hands ready rows to their steps, as far as the limits allow.
    pub(super) fn start_calls(&mut self) {
        for at in 0..self.lanes.len() {
            while self.running < self.limits.calls && self.unstamped.len() < MOST_UNSTAMPED {
                let Some(ready) = self.lanes[at].start() else { break };
                self.start_call(at, ready);
            }
        }
    }

    fn start_call(&mut self, at: usize, ready: ReadyRow) {
        let lane = &self.lanes[at];
        let Some(observed) = lane.observed.clone() else { return };
        self.running += 1;
        let ReadyRow { row, call, journal } = ready;
        let (context, backoff, clock) =
            (self.context.clone(), self.limits.backoff, self.clock.clone());
        let (model, spec) = (lane.model, observed.spec());
        let (id, read, attempts) = (row.id(), row.updated(), row.attempts());
        let object = row.object_ref();
        let span = tracing::debug_span!("object", step = spec.name, %object);
        let task = async move {
            let Called { result, save } = run::run(row, context, call, spec).await;
            let stamp = match (call, result) {
                (Call::Sync, Ok(())) => Stamp::Enacted,
                (Call::Delete, Ok(())) => Stamp::Gone,
                (Call::Delete, Err(error)) if error.class() == ErrorClass::NotFound => Stamp::Gone,
                (_, Err(error)) => Stamp::Failed(Failure {
                    class: error.class().as_str(),
                    message: error.message().to_owned(),
                    retry: backoff.retry(error.class(), attempts, clock(), fastrand::f64()),
                }),
            };
            let outcome = Outcome { model, id, read, stamp, save };
            Done::Called(Box::new(Finished { lane: at, call, object, journal, outcome }))
        };
        self.tasks.spawn(task.instrument(span));
    }

    pub(super) fn called(&mut self, finished: Finished) {
        self.running -= 1;
        self.lanes[finished.lane].running -= 1;
        self.report.count(&finished);
        self.unstamped.push(finished);
    }
}
