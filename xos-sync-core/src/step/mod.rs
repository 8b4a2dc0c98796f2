//! What an author writes: a step, which brings one row's backend in line.

mod backends;
mod context;
mod observed;
mod outcome;
mod pending;
mod spec;
mod undecoded;

use crate::{error::StepError, model::Model, row::Row};

pub use crate::error::BackendError;
pub use backends::{BackendFuture, BackendSource, Backends};
pub use context::Context;
pub(crate) use context::Fence;
pub use observed::{AnyRow, Call, CallFuture, Called, Observed, SaveBackend, observe};
pub use outcome::{Outcome, Ready, Wait};
pub use pending::Pending;
pub use spec::StepSpec;

/// What a step's call comes to.
pub type StepResult = Result<Outcome, StepError>;

/// The part of a step that [`#[sync_step]`](macro@crate::sync_step) writes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared as a step",
    label = "not declared as a step",
    note = "put `#[sync_step(provides = …, interval = …)]` on its struct"
)]
pub trait StepDef: Send + Sync + Sized + 'static {
    /// The observed model, or a tuple of them when there are several.
    type Observed;

    /// What the attribute says.
    const SPEC: &'static StepSpec;

    /// Fills the fields from the registered backends, by type.
    ///
    /// # Errors
    /// The first field whose type nobody registered.
    fn build(backends: &Backends) -> Result<Self, BackendError>;
}

/// Brings the backend in line with one row at a time.
///
/// Write it beside a struct that carries [`#[sync_step]`](macro@crate::sync_step). A step that
/// observes several models implements `SyncStep<M>` once for each.
///
/// # Guarantees
/// - A row is handed over only when every row that it references is enacted, and to
///   `delete_record` only when no row references it any more.
/// - One row is in one call at a time.
/// - The row's goal is as it was read before the call; what changes meanwhile makes the row
///   pending again.
/// - Backend columns that the call changed are saved with its success. Save earlier with
///   [`Context::save`] what must not be lost.
///
/// # Assumptions
/// - Calls are idempotent: after a crash or a lost answer they run again with the same row and
///   the same [`uid`](Row::uid).
/// - Goal columns are the users'; a call that changes one fails.
/// - Work that blocks the thread goes to `tokio::task::spawn_blocking`; a call that never
///   reaches an `.await` cannot be given up after its time-out.
///
/// # Errors
/// Any error by `?` is transient: the row is tried again with a growing wait. See
/// [`StepError`] for the other classes. A panic counts as a transient error.
#[diagnostic::on_unimplemented(
    message = "the step `{Self}` does not say how to sync `{M}`",
    label = "`SyncStep<{M}>` is missing",
    note = "write `impl SyncStep for {Self} {{ … }}` with `sync_record` and `delete_record`",
    note = "a step that observes several models has one `impl SyncStep<Model> for {Self}` for each"
)]
pub trait SyncStep<M: Model = <Self as StepDef>::Observed>: StepDef {
    /// Tells what the bookkeeping cannot know, once each interval: rows to add because the
    /// backend has something new, rows to sync again because the backend has changed. A step
    /// that overrides this is what the guide calls an external step.
    ///
    /// What is pending by `updated` and `enacted` is found without it, and so are deletions.
    ///
    /// After [`Outcome::Wait`] it is called again after that time; [`Outcome::DoneUntil`] is as
    /// [`Outcome::Done`], because the step's interval says when it comes next.
    ///
    /// # Errors
    /// The step is tried again with a growing wait; rows added before stay.
    fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<M>,
    ) -> impl Future<Output = StepResult> + Send {
        let _ = (cx, pending);
        std::future::ready(Ok(Outcome::Done))
    }

    /// Brings the backend in line with this row, whatever state the backend is in, and writes
    /// the backend columns.
    ///
    /// # Errors
    /// See [`StepError`]; the row stays pending.
    fn sync_record(
        &self,
        cx: &Context,
        object: &mut Row<M>,
    ) -> impl Future<Output = StepResult> + Send;

    /// Removes this row's things from the backend; the framework then removes the row.
    ///
    /// # Errors
    /// See [`StepError`]; the row stays. [`StepError::not_found`] counts as removed.
    fn delete_record(
        &self,
        cx: &Context,
        object: &Row<M>,
    ) -> impl Future<Output = StepResult> + Send;
}
