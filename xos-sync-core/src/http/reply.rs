//! What came back, or why nothing did.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::{Effect, Failure};

/// An answer, whatever it says. It may repeat what was sent: see [`Secrets`](super::Secrets).
#[derive(Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The HTTP headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: String,
}

impl Reply {
    /// Whether the status is one of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the backend asks to wait before the next call, if it does (`Retry-After`, in seconds or
    /// as a date).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, SystemTime::now())
    }
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoReply {
    /// What happened.
    pub failure: Failure,
    /// Why, for people.
    pub text: String,
    /// When it is worth asking again, if that is known.
    pub retry_after: Option<Duration>,
}

impl NoReply {
    pub(super) fn new(failure: Failure, text: String) -> Self {
        Self { failure, text, retry_after: None }
    }

    /// Whether the request may have been carried out nevertheless.
    #[must_use]
    pub fn outcome_unknown(&self, effect: Effect) -> bool {
        let unsent = [Failure::NotSent, Failure::Unreachable, Failure::Resting];
        effect == Effect::Changes && !unsent.contains(&self.failure)
    }
}

fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = SystemTime::from(DateTime::parse_from_rfc2822(text).ok()?);
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_understood() {
        let asked = |text: &str, now: u64| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(now))
                .map(|wait| wait.as_secs())
        };
        assert_eq!(asked("7", 0), Some(7));
        assert_eq!(asked("Thu, 01 Jan 1970 00:01:40 GMT", 90), Some(10));
        assert_eq!(asked("Thu, 01 Jan 1970 00:01:40 GMT", 200), Some(0));
        assert_eq!(asked("soon", 0), None);
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }
}
