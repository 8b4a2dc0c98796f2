//! What a step answers when it could not do its work.

use std::{error::Error as StdError, fmt, time::Duration};

use super::{chain, sanitize};

/// Why a call did not succeed, and what is to happen next.
///
/// Any error turns into a transient one by `?`. The message is what the person sees whose
/// object it is: it should say what was tried and what the backend answered.
///
/// ```
/// use std::time::Duration;
/// use xos_sync_core::{StepError, StepResult};
///
/// fn check(cpus: u32, ready: bool) -> StepResult {
///     let _port: u16 = "8080".parse()?; // any error: transient
///     if cpus > 64 {
///         return Err(StepError::terminal("no machine has more than 64 cores: ask for fewer"));
///     }
///     if !ready {
///         return Err(StepError::deferred("waiting for its address", Duration::from_secs(2)));
///     }
///     Ok(())
/// }
/// assert_eq!(check(65, true).unwrap_err().to_string(), "no machine has more than 64 cores: ask for fewer");
/// assert!(check(2, true).is_ok());
/// ```
pub struct StepError {
    class: ErrorClass,
    message: String,
}

/// What happens after a [`StepError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// It may heal by itself: tried again with a growing, jittered wait, at least this long.
    Transient {
        /// The least wait, when the backend named one.
        at_least: Option<Duration>,
    },
    /// It will not heal by itself: waits until the goal changes or somebody asks for a retry.
    Terminal,
    /// Not an error: look again after this long.
    Deferred {
        /// The wait.
        after: Duration,
    },
    /// The backend has no such thing: success for `delete_record`, transient elsewhere.
    NotFound,
}

impl ErrorClass {
    /// The word that the column `backend_class` holds. A transient error with a wait that the backend
    /// named is `throttled`, so that a retry can respect it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient { at_least: None } | Self::NotFound => "transient",
            Self::Transient { at_least: Some(_) } => "throttled",
            Self::Terminal => "terminal",
            Self::Deferred { .. } => "deferred",
        }
    }
}

impl StepError {
    /// May heal by itself (also what `?` makes of any error).
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient { at_least: None }, message)
    }

    /// May heal by itself, but not before `wait` has passed: the backend said so.
    pub fn retry_after(message: impl Into<String>, wait: Duration) -> Self {
        Self::new(ErrorClass::Transient { at_least: Some(wait) }, message)
    }

    /// Waits for a changed goal.
    pub fn terminal(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Terminal, message)
    }

    /// Not an error: look again after `after`, for this reason.
    pub fn deferred(reason: impl Into<String>, after: Duration) -> Self {
        Self::new(ErrorClass::Deferred { after }, reason)
    }

    /// The backend has no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::NotFound, message)
    }

    fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: sanitize(message.into()) }
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
        write!(f, "{}: {}", self.class.as_str(), self.message)
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
