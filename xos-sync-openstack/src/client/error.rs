//! What went wrong with a call, for programs and for people.

use std::fmt;
use std::time::Duration;

use xos_sync_core::{Reason, StepError, http::Refusal};

use super::Service;

/// What an error means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing does not exist, or these credentials may not see it.
    NotFound,
    /// The thing exists already, is in use, or is in a state that does not allow this now.
    Conflict,
    /// The project's quota is used up.
    QuotaExceeded,
    /// Too many calls. Nothing was done; heals by waiting.
    Throttled,
    /// The credentials are wrong, or the account is disabled.
    Unauthorized,
    /// The credentials do not allow this.
    Forbidden,
    /// The request is wrong. Heals only by a changed goal or configuration.
    Invalid,
    /// No answer, or one that the service itself failed. Heals by waiting.
    Unavailable,
    /// The answer was not understood: this may not be OpenStack at all.
    Garbled,
}

impl ErrorKind {
    /// Whether the same call may succeed later though nobody changes the goal.
    #[must_use]
    pub fn heals_by_waiting(self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::Conflict
                | Self::QuotaExceeded
                | Self::Unavailable
                | Self::Garbled
        )
    }
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Throttled => Self::Throttled,
            ErrorKind::Unavailable => Self::Unavailable,
            _ => Self::Final,
        }
    }
}

/// A call to OpenStack that did not succeed.
///
/// The text says what was asked for and what the service answered, without secrets. In a step, answer
/// with [`into_step_error`](Self::into_step_error); a bare `?` would make every error one that heals by
/// itself.
#[derive(Clone)]
pub struct CloudError(Box<Detail>);

#[derive(Clone, Debug)]
pub(super) struct Detail {
    pub(super) kind: ErrorKind,
    pub(super) service: Service,
    /// For example `POST /servers`.
    pub(super) action: String,
    /// What was asked for, to follow "cannot".
    pub(super) asked: String,
    pub(super) message: String,
    pub(super) code: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    pub(super) outcome_unknown: bool,
}

impl CloudError {
    /// What it means for the caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the thing does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether the thing exists already, is in use, or is in a state that does not allow this now.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.kind == ErrorKind::Conflict
    }

    /// The service that was called.
    #[must_use]
    pub fn service(&self) -> Service {
        self.0.service
    }

    /// Method and path, for example `POST /servers`.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.0.action
    }

    /// What the service answered in words, or why there is no answer.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The service's own word for the error, for example `itemNotFound` or `NetworkInUse`, if it has one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The id by which the cloud's operators find the request in their logs.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How long the service asked to wait, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether a changing call may have been carried out though it failed here: it was sent, and the
    /// answer is missing, not understood, or says that the service broke down. Look before acting again.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// What to tell the person whose row it is, and when to try again.
    #[must_use]
    pub fn into_step_error(self) -> StepError {
        let text = self.to_string();
        match self.kind() {
            ErrorKind::Throttled => {
                StepError::retry_after(text, self.retry_after().unwrap_or(THROTTLED))
            }
            ErrorKind::NotFound => StepError::not_found(text),
            ErrorKind::Unauthorized | ErrorKind::Forbidden => StepError::transient(format!(
                "{text}; check the credentials that are configured for this cloud, and their roles; it \
                 tries again by itself"
            ))
            .because(Reason::ACCESS_DENIED),
            ErrorKind::QuotaExceeded => StepError::transient(format!(
                "{text}; raise the quota or free some of it; it tries again by itself"
            ))
            .because(Reason::QUOTA_EXCEEDED),
            ErrorKind::Invalid => StepError::terminal(format!(
                "{text}; OpenStack will not take it as it is: change the object"
            )),
            kind @ (ErrorKind::Conflict | ErrorKind::Unavailable | ErrorKind::Garbled) => {
                let error = match self.retry_after() {
                    Some(wait) => StepError::retry_after(text, wait),
                    None => StepError::transient(text),
                };
                if kind == ErrorKind::Conflict { error.because(Reason::CONFLICT) } else { error }
            }
        }
    }
}

/// The wait when a service is throttling and does not say for how long.
const THROTTLED: Duration = Duration::from_secs(2);

impl From<Detail> for CloudError {
    fn from(detail: Detail) -> Self {
        Self(Box::new(detail))
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Detail { asked, message, service, action, code, status, request_id, .. } = &*self.0;
        write!(f, "cannot {asked}: {} ({service} {action}", message.trim_end_matches('.'))?;
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

impl fmt::Debug for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for CloudError {}

#[cfg(test)]
mod tests {
    use xos_sync_core::error::ErrorClass;

    use super::*;

    fn detail(kind: ErrorKind) -> Detail {
        Detail {
            kind,
            service: Service::Compute,
            action: "DELETE /servers/s-1".to_owned(),
            asked: "delete server s-1".to_owned(),
            message: "Instance s-1 could not be found.".to_owned(),
            code: Some("itemNotFound".to_owned()),
            request_id: Some("req-1".to_owned()),
            status: Some(404),
            retry_after: None,
            outcome_unknown: false,
        }
    }

    #[test]
    fn the_text_says_what_was_asked_and_answered() {
        let mut detail = detail(ErrorKind::NotFound);
        assert_eq!(
            CloudError::from(detail.clone()).to_string(),
            "cannot delete server s-1: Instance s-1 could not be found (Nova DELETE /servers/s-1, \
             itemNotFound, HTTP 404, request req-1)"
        );
        (detail.code, detail.status, detail.request_id) = (None, None, None);
        detail.message = "no connection to http://127.0.0.1:1: refused".to_owned();
        assert_eq!(
            CloudError::from(detail).to_string(),
            "cannot delete server s-1: no connection to http://127.0.0.1:1: refused (Nova DELETE \
             /servers/s-1)"
        );
    }

    #[test]
    fn kinds_have_their_class() {
        let transient = ErrorClass::Transient { at_least: None };
        for (kind, class) in [
            (ErrorKind::NotFound, ErrorClass::NotFound),
            (ErrorKind::Conflict, transient),
            (ErrorKind::QuotaExceeded, transient),
            (ErrorKind::Throttled, ErrorClass::Transient { at_least: Some(THROTTLED) }),
            (ErrorKind::Unauthorized, transient),
            (ErrorKind::Forbidden, transient),
            (ErrorKind::Invalid, ErrorClass::Terminal),
            (ErrorKind::Unavailable, transient),
            (ErrorKind::Garbled, transient),
        ] {
            let error = CloudError::from(detail(kind)).into_step_error();
            assert_eq!(error.class(), class, "{kind:?}");
            assert!(error.message().contains("req-1"), "{error}");
        }
        let wait = Some(Duration::from_secs(7));
        for kind in [ErrorKind::Throttled, ErrorKind::Unavailable] {
            let error = CloudError::from(Detail { retry_after: wait, ..detail(kind) });
            let class = ErrorClass::Transient { at_least: wait };
            assert_eq!(error.into_step_error().class(), class, "{kind:?}");
        }
    }

    #[test]
    fn an_error_is_cheap_to_pass_on() {
        assert_eq!(size_of::<CloudError>(), size_of::<usize>());
    }
}
