//! What went wrong with a call, for programs and for people.

use std::fmt;
use std::time::Duration;

use xos_sync_core::http::Refusal;

/// What an error means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A thing the request names does not exist: the instance, but also the image or the key pair.
    NotFound,
    /// A thing of this name exists already.
    Duplicate,
    /// Too many calls. Nothing was done; heals by waiting.
    Throttled {
        /// How long AWS asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// The credentials are wrong, expired, or do not allow this.
    Unauthorized,
    /// The request is wrong. Heals only by a changed goal or configuration.
    Invalid,
    /// AWS, or the account's quota, has no room for it now. Heals by waiting.
    Capacity,
    /// The thing is in a state that does not allow this now, for example it is still starting. Heals by
    /// waiting.
    Conflict,
    /// The client token was used for a request with other parameters.
    IdempotentMismatch,
    /// The client token belongs to an instance that was terminated since: a new token is needed.
    IdempotentTerminated,
    /// No answer, or one that AWS itself failed. Heals by waiting.
    Unavailable,
    /// The answer was not understood: this may not be EC2 at all.
    Garbled,
}

impl ErrorKind {
    /// Whether the same call may succeed later though nobody changes anything.
    #[must_use]
    pub fn heals_by_waiting(self) -> bool {
        matches!(
            self,
            Self::Throttled { .. }
                | Self::Capacity
                | Self::Conflict
                | Self::Unavailable
                | Self::Garbled
        )
    }
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Throttled { .. } => Self::Throttled,
            ErrorKind::Unavailable => Self::Unavailable,
            _ => Self::Final,
        }
    }
}

/// A call to EC2 that did not succeed.
///
/// The text says what was asked for and what AWS answered, without secrets.
#[derive(Clone)]
pub struct Ec2Error(Box<Detail>);

#[derive(Clone, Debug)]
pub(super) struct Detail {
    pub(super) kind: ErrorKind,
    pub(super) action: &'static str,
    /// What was asked for, to follow "cannot".
    pub(super) asked: String,
    pub(super) message: String,
    pub(super) code: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) outcome_unknown: bool,
}

impl Ec2Error {
    /// What it means for the caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a thing the request names does not exist. When the request names several, this does not
    /// say which: see [`code`](Self::code).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// AWS's code, for example `InvalidInstanceID.NotFound`; none if AWS did not answer.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What AWS answered in words, or why there is no answer.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The id AWS support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The AWS operation, for example `RunInstances`.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.0.action
    }

    /// Whether a changing call may have been carried out though it failed here: it was sent, and the
    /// answer is missing, not understood, or says that AWS broke down. Look before acting again.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }
}

impl From<Detail> for Ec2Error {
    fn from(detail: Detail) -> Self {
        Self(Box::new(detail))
    }
}

impl fmt::Display for Ec2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Detail { asked, message, action, code, status, request_id, .. } = &*self.0;
        write!(f, "cannot {asked}: {} ({action}", message.trim_end_matches('.'))?;
        if let Some(code) = code {
            write!(f, ", {code}")?;
        }
        if let Some(status) = status {
            write!(f, ", HTTP {status}")?;
        }
        if let Some(request_id) = request_id {
            write!(f, ", request {request_id}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Ec2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Ec2Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_was_asked_and_answered() {
        let mut detail = Detail {
            kind: ErrorKind::NotFound,
            action: "TerminateInstances",
            asked: "terminate instance i-1".to_owned(),
            message: "The instance ID 'i-1' does not exist.".to_owned(),
            code: Some("InvalidInstanceID.NotFound".to_owned()),
            request_id: Some("r-1".to_owned()),
            status: Some(400),
            outcome_unknown: false,
        };
        assert_eq!(
            Ec2Error::from(detail.clone()).to_string(),
            "cannot terminate instance i-1: The instance ID 'i-1' does not exist \
             (TerminateInstances, InvalidInstanceID.NotFound, HTTP 400, request r-1)"
        );
        (detail.code, detail.status, detail.request_id) = (None, None, None);
        detail.message = "no connection to http://127.0.0.1:1: refused".to_owned();
        assert_eq!(
            Ec2Error::from(detail).to_string(),
            "cannot terminate instance i-1: no connection to http://127.0.0.1:1: refused (TerminateInstances)"
        );
    }

    #[test]
    fn an_error_is_cheap_to_pass_on() {
        assert_eq!(size_of::<Ec2Error>(), size_of::<usize>());
    }
}
