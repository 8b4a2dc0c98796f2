//! What a step's call came to.

use std::{ops::ControlFlow, time::Duration};

use crate::error::{Reason, sanitize};

/// What a call that did not fail came to.
///
/// ```
/// use std::time::Duration;
/// use xos_sync_core::{Outcome, Reason, StepResult};
///
/// const CERTIFICATE_PENDING: Reason = Reason::new("CertificatePending");
///
/// fn certificate(issued: bool) -> StepResult {
///     if !issued {
///         let message = "waiting for the authority to issue the certificate";
///         return Ok(Outcome::wait(CERTIFICATE_PENDING, message, Duration::from_secs(30)));
///     }
///     // Enacted now, and renewed in 60 days.
///     Ok(Outcome::DoneUntil(Duration::from_secs(60 * 24 * 60 * 60)))
/// }
/// assert!(certificate(true).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The goal is applied; of `delete_record`: the things are gone.
    Done,
    /// The goal is applied, and the row is synced again after this time. The row is enacted
    /// meanwhile, and rows that reference it do not wait.
    DoneUntil(Duration),
    /// Not yet, and no error: the step is called again after a time.
    Wait(Wait),
}

/// What a helper of a step comes to: a value to go on with, or the [`Outcome`] with which the call
/// ends. See [`ready!`](crate::ready).
pub type Ready<T> = ControlFlow<Outcome, T>;

impl<T> From<Outcome> for Ready<T> {
    fn from(outcome: Outcome) -> Self {
        Self::Break(outcome)
    }
}

/// The value of a [`Ready`](crate::step::Ready); where there is none yet, the function returns with
/// what it waits for. As [`std::task::ready`] for polls.
///
/// ```
/// use std::time::Duration;
/// use xos_sync_core::{Outcome, Reason, StepError, StepResult, ready, step::Ready};
///
/// fn address(of: Option<&str>) -> Result<Ready<&str>, StepError> {
///     Ok(match of {
///         Some(address) => Ready::Continue(address),
///         None => {
///             let message = "waiting for its address";
///             Outcome::wait(Reason::WAITING_FOR_ADDRESS, message, Duration::from_secs(2)).into()
///         }
///     })
/// }
///
/// fn sync(of: Option<&str>) -> StepResult {
///     let address = ready!(address(of)?);
///     assert!(!address.is_empty());
///     Ok(Outcome::Done)
/// }
/// assert_eq!(sync(Some("192.0.2.7")).ok(), Some(Outcome::Done));
/// assert!(matches!(sync(None), Ok(Outcome::Wait(_))));
/// ```
#[macro_export]
macro_rules! ready {
    ($ready:expr) => {
        match $ready {
            ::core::ops::ControlFlow::Continue(value) => value,
            ::core::ops::ControlFlow::Break(outcome) => {
                return ::core::result::Result::Ok(::core::convert::From::from(outcome))
            }
        }
    };
}

/// What a row waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    reason: Reason,
    message: String,
    after: Duration,
}

impl Outcome {
    /// Not yet: for this reason, which the message tells the person whose object it is. The step is
    /// called again after `after`, or sooner when the goal changes; 24 hours at the most.
    pub fn wait(reason: Reason, message: impl Into<String>, after: Duration) -> Self {
        Self::Wait(Wait { reason, message: sanitize(message.into()), after })
    }
}

impl Wait {
    /// Why, for programs.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Why, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How long.
    pub fn after(&self) -> Duration {
        self.after
    }
}
