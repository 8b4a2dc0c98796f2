//! What EC2's answers mean for the rows.

use std::time::Duration;

use xos_sync_core::{Reason, StepError};

use crate::client::{Ec2Error, ErrorKind};

/// The wait when EC2 is throttling and does not say for how long.
const THROTTLED: Duration = Duration::from_secs(2);

const CREDENTIALS: &str = "check the Synchronizer's AWS credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                           AWS_SECRET_ACCESS_KEY) and what they allow; it tries again by itself";

/// What to tell the person whose row it is. Never let an [`Ec2Error`] pass by a bare `?`: that would
/// make every error one that heals by itself.
pub(super) fn told(error: Ec2Error) -> StepError {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::Throttled { retry_after } => {
            StepError::retry_after(text, retry_after.unwrap_or(THROTTLED))
        }
        ErrorKind::Unauthorized => {
            StepError::transient(format!("{text}; {CREDENTIALS}")).because(Reason::ACCESS_DENIED)
        }
        ErrorKind::Invalid => {
            StepError::terminal(format!("{text}; EC2 will not take it as it is: change the object"))
        }
        ErrorKind::NotFound => StepError::not_found(text),
        ErrorKind::Capacity => StepError::transient(text).because(Reason::QUOTA_EXCEEDED),
        ErrorKind::Conflict => StepError::transient(text).because(Reason::CONFLICT),
        // Unavailable, Garbled, and what is looked at again: Duplicate, Idempotent….
        _ => StepError::transient(text),
    }
}
