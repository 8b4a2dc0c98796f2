//! What answers of a cloud mean for a row, where not finding a thing is no error.

use std::time::Duration;

use xos_sync_core::{Micros, Row, StepError, StepResult};

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
pub(super) fn gone(answer: Result<(), CloudError>) -> StepResult {
    found(answer).map(|_| ())
}

/// Looks again in so many seconds.
pub(super) fn wait(reason: impl Into<String>, seconds: u64) -> StepError {
    StepError::deferred(reason, Duration::from_secs(seconds))
}

/// Looks again soon if the row was changed a short while ago, and less often later.
pub(super) fn patient<M>(row: &Row<M>, reason: impl Into<String>) -> StepError {
    growing(reason, Micros::now().since(row.bookkeeping().updated))
}

/// Looks again soon if it has been waited for a short while, and less often later.
pub(super) fn growing(reason: impl Into<String>, waited: Duration) -> StepError {
    let after = (waited / 4).clamp(Duration::from_secs(1), Duration::from_secs(30));
    StepError::deferred(reason, after)
}
