//! What answers of a cloud mean for a row, where not finding a thing is no error.

use std::time::Duration;

use xos_sync_core::{Micros, Outcome, Reason, Row, StepError};

use crate::client::CloudError;

/// The thing, or none when the cloud has none.
pub(super) fn found<T>(answer: Result<T, CloudError>) -> Result<Option<T>, StepError> {
    match answer {
        Ok(thing) => Ok(Some(thing)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into_step_error()),
    }
}

/// Success also when there was nothing to remove.
pub(super) fn gone(answer: Result<(), CloudError>) -> Result<(), StepError> {
    found(answer).map(|_| ())
}

/// Looks again in so many seconds.
pub(super) fn wait(reason: Reason, message: impl Into<String>, seconds: u64) -> Outcome {
    Outcome::wait(reason, message, Duration::from_secs(seconds))
}

/// Looks again soon if the row was changed a short while ago, and less often later.
pub(super) fn patient<M>(row: &Row<M>, reason: Reason, message: impl Into<String>) -> Outcome {
    growing(reason, message, Micros::now().since(row.bookkeeping().updated))
}

/// Looks again soon if it has been waited for a short while, and less often later.
pub(super) fn growing(reason: Reason, message: impl Into<String>, waited: Duration) -> Outcome {
    let after = (waited / 4).clamp(Duration::from_secs(1), Duration::from_secs(30));
    Outcome::wait(reason, message, after)
}
