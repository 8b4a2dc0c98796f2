//! One call of a step: bounded in time, and harmless when it panics.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use crate::{
    error::{Reason, StepError},
    step::{AnyRow, Call, Called, Context, StepSpec},
};

/// Hands the row to its step. Always answers: a call that takes too long is given up, a panic
/// is caught.
pub(crate) async fn run(row: Box<dyn AnyRow>, cx: Context, call: Call, spec: &StepSpec) -> Called {
    let cx = cx.of_call(row.attempts(), row.is_new(), spec.timeout);
    let called = catching(spec, row.call(cx, call));
    match tokio::time::timeout(spec.timeout, called).await {
        Ok(Ok(called)) => called,
        Ok(Err(error)) => Called { result: Err(error), save: None },
        Err(_) => Called { result: Err(too_slow(spec)), save: None },
    }
}

/// Waits for a step's own listing, within its time.
pub(crate) async fn bounded<T>(
    spec: &StepSpec,
    listing: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    match tokio::time::timeout(spec.timeout, catching(spec, listing)).await {
        Ok(outcome) => outcome.and_then(|listed| listed),
        Err(_) => Err(too_slow(spec)),
    }
}

fn too_slow(spec: &StepSpec) -> StepError {
    StepError::transient(format!(
        "the step {} did not return within {} and was given up; what it had begun is unknown",
        spec.name,
        seconds(spec.timeout),
    ))
    .because(Reason::TIMED_OUT)
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

async fn catching<T>(spec: &StepSpec, future: impl Future<Output = T>) -> Result<T, StepError> {
    let mut future = pin!(future);
    std::future::poll_fn(|task| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(task))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(StepError::transient(format!(
                "the step {} panicked: {}",
                spec.name,
                message(&*panic)
            ))
            .because(Reason::PANICKED))),
        }
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
