//! PURE: whether a call is sent again, and when.

use std::time::Duration;

use super::ErrorKind;
use super::call::Effect;

/// How often a call is sent at most.
const ATTEMPTS: u32 = 3;
/// The longest pause within a call. Longer ones are for the caller, who can do other work meanwhile.
const LONGEST: Duration = Duration::from_secs(5);
const FIRST: Duration = Duration::from_millis(200);
const FIRST_THROTTLED: Duration = Duration::from_millis(500);

/// How an attempt failed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// No connection: nothing was sent.
    NotSent,
    /// Sent, and no answer within the time allowed.
    TimedOut,
    /// Sent, and the connection broke.
    Broken,
    /// The service answered with an error.
    Answered(ErrorKind),
}

/// The pause before the next attempt, or none if there is none. `attempt` counts from 1; `retry_after`
/// is what the service asked for; `jitter` is random between 0 and 1.
pub(super) fn pause(
    attempt: u32,
    effect: Effect,
    failure: Failure,
    retry_after: Option<Duration>,
    jitter: f64,
) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let first = match (failure, effect) {
        (Failure::Answered(ErrorKind::Throttled), _) => FIRST_THROTTLED,
        (Failure::NotSent, _) => FIRST,
        // A changing call may have been carried out, in spite of the error.
        (Failure::Broken | Failure::Answered(ErrorKind::Unavailable), Effect::Reads) => FIRST,
        // The time for this call is used up.
        (Failure::TimedOut | Failure::Broken | Failure::Answered(_), _) => return None,
    };
    let backoff = (first * 2_u32.pow(attempt - 1)).mul_f64(0.5 + jitter / 2.0);
    let pause = retry_after.map_or(backoff, |asked| asked.max(backoff));
    (pause <= LONGEST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAVAILABLE: Failure = Failure::Answered(ErrorKind::Unavailable);
    const THROTTLED: Failure = Failure::Answered(ErrorKind::Throttled);

    #[test]
    fn changing_calls_are_repeated_only_when_they_were_not_carried_out() {
        for failure in [Failure::TimedOut, Failure::Broken, UNAVAILABLE] {
            assert_eq!(pause(1, Effect::Changes, failure, None, 0.0), None, "{failure:?}");
        }
        for failure in [Failure::NotSent, THROTTLED] {
            assert!(pause(1, Effect::Changes, failure, None, 0.0).is_some(), "{failure:?}");
        }
    }

    #[test]
    fn reading_calls_are_repeated_but_not_after_a_time_out_or_a_refusal() {
        assert!(pause(1, Effect::Reads, Failure::Broken, None, 0.0).is_some());
        assert!(pause(2, Effect::Reads, UNAVAILABLE, None, 0.0).is_some());
        assert_eq!(pause(1, Effect::Reads, Failure::TimedOut, None, 0.0), None);
        for kind in [
            ErrorKind::Invalid,
            ErrorKind::NotFound,
            ErrorKind::QuotaExceeded,
            ErrorKind::Unauthorized,
            ErrorKind::Garbled,
        ] {
            let failure = Failure::Answered(kind);
            assert_eq!(pause(1, Effect::Reads, failure, None, 0.0), None, "{kind:?}");
        }
    }

    #[test]
    fn three_attempts_are_enough() {
        assert_eq!(pause(3, Effect::Reads, Failure::NotSent, None, 0.0), None);
    }

    #[test]
    fn pauses_grow_with_jitter_and_obey_the_service() {
        assert_eq!(pause(1, Effect::Reads, UNAVAILABLE, None, 0.0), Some(FIRST / 2));
        assert_eq!(pause(2, Effect::Reads, UNAVAILABLE, None, 1.0), Some(FIRST * 2));
        let asked = Some(Duration::from_secs(2));
        assert_eq!(pause(1, Effect::Changes, THROTTLED, asked, 1.0), asked);
        let asked = Some(Duration::from_secs(6));
        assert_eq!(pause(1, Effect::Changes, THROTTLED, asked, 1.0), None);
    }
}
