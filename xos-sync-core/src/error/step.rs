//! What a step answers when it could not do its work.

use std::{error::Error as StdError, fmt, time::Duration};

use super::{BackendClass, Reason, chain, sanitize};

/// Why a call did not succeed, and what is to happen next.
///
/// Any error turns into a transient one by `?`. The message is what the person sees whose
/// object it is: it should say what was tried and what the backend answered.
///
/// Waiting is no error: see [`Outcome::wait`](crate::Outcome::wait).
///
/// ```
/// use xos_sync_core::{Outcome, Reason, StepError, StepResult};
///
/// fn check(cpus: u32, quota: u32) -> StepResult {
///     let _port: u16 = "8080".parse()?; // any error: transient
///     if cpus > 64 {
///         return Err(StepError::terminal("no machine has more than 64 cores: ask for fewer"));
///     }
///     if cpus > quota {
///         let error = StepError::transient(format!("{cpus} cores are more than the quota of {quota}"));
///         return Err(error.because(Reason::QUOTA_EXCEEDED));
///     }
///     Ok(Outcome::Done)
/// }
/// assert_eq!(check(65, 99).unwrap_err().to_string(), "no machine has more than 64 cores: ask for fewer");
/// assert_eq!(check(4, 2).unwrap_err().reason(), &Reason::QUOTA_EXCEEDED);
/// ```
pub struct StepError {
    class: ErrorClass,
    reason: Reason,
    message: String,
}

/// What happens after a [`StepError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// It may heal by itself: tried again with a growing, jittered wait, at least this long.
    Transient {
        /// The least wait, when the backend named one.
        at_least: Option<Duration>,
    },
    /// It will not heal by itself: waits until the goal changes or somebody asks for a retry.
    Terminal,
    /// The backend has no such thing: success for `delete_record`, transient elsewhere.
    NotFound,
}

impl ErrorClass {
    /// What the column `backend_class` holds. A transient error with a wait that the backend named is
    /// throttled, so that a retry can respect it.
    pub const fn backend_class(self) -> BackendClass {
        match self {
            Self::Transient { at_least: None } | Self::NotFound => BackendClass::Transient,
            Self::Transient { at_least: Some(_) } => BackendClass::Throttled,
            Self::Terminal => BackendClass::Terminal,
        }
    }
}

impl StepError {
    /// May heal by itself (also what `?` makes of any error).
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient { at_least: None }, Reason::BACKEND_ERROR, message)
    }

    /// May heal by itself, but not before `wait` has passed: the backend said so.
    pub fn retry_after(message: impl Into<String>, wait: Duration) -> Self {
        Self::new(ErrorClass::Transient { at_least: Some(wait) }, Reason::THROTTLED, message)
    }

    /// Waits for a changed goal.
    pub fn terminal(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Terminal, Reason::INVALID_GOAL, message)
    }

    /// The backend has no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::NotFound, Reason::NOT_FOUND, message)
    }

    fn new(class: ErrorClass, reason: Reason, message: impl Into<String>) -> Self {
        Self { class, reason, message: sanitize(message.into()) }
    }

    /// The same error with this reason.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// Why, for programs.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What happens next.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// The message, without what looks like a credential and without control characters; at most 64 KiB.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for StepError {
    fn from(error: E) -> Self {
        Self::transient(chain(&error))
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.class.backend_class().as_str(), self.reason, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn an_error_by_question_mark_is_transient_and_tells_its_causes() {
        let cause = "x".parse::<i32>().unwrap_err();
        let error = StepError::from(Outer(cause));
        assert_eq!(error.class(), ErrorClass::Transient { at_least: None });
        assert_eq!(error.message(), "outer: invalid digit found in string");
    }
}
