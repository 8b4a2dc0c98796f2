//! Whether a call is sent again, and when.

use std::time::Duration;

/// How often a call is sent at most.
const ATTEMPTS: u32 = 3;
/// The longest pause within a call. Longer ones are for the caller, who can do other work meanwhile.
const LONGEST: Duration = Duration::from_secs(5);
const FIRST: Duration = Duration::from_millis(200);
const FIRST_THROTTLED: Duration = Duration::from_millis(500);

/// Whether a request changes anything. One that does is not sent again when its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Reads,
    /// It may change something.
    Changes,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection: nothing was sent.
    NotSent,
    /// No connection within the time allowed: nothing was sent.
    Unreachable,
    /// Sent, and no answer within the time allowed.
    TimedOut,
    /// Sent, and the connection broke.
    Broken,
    /// Not sent: the backend has let others wait in vain, and is given a rest.
    Resting,
    /// Answered with an error.
    Refused(Refusal),
}

/// What an error answer means for sending the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many calls: nothing was done.
    Throttled,
    /// The backend itself failed; what it did is not known.
    Unavailable,
    /// The credentials were good once, and others can be had: nothing was done.
    Expired,
    /// The same would be answered again.
    Final,
}

impl Refusal {
    /// What an HTTP status says, where the backend says nothing better.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            429 => Self::Throttled,
            408 | 425 | 500.. => Self::Unavailable,
            _ => Self::Final,
        }
    }
}

/// The pause before the next attempt, or none if there is none. `attempt` counts from 1, and
/// `retry_after` is what the backend asked for. Pauses grow, with jitter.
///
/// A request that [`Changes`](Effect::Changes) something is sent again only when it was certainly not
/// carried out, and none after a time-out: the time for this call is used up.
#[must_use]
pub fn pause(
    attempt: u32,
    effect: Effect,
    failure: Failure,
    retry_after: Option<Duration>,
) -> Option<Duration> {
    pause_with(fastrand::f64(), attempt, effect, failure, retry_after)
}

/// PURE: the same with this jitter, between 0 and 1.
fn pause_with(
    jitter: f64,
    attempt: u32,
    effect: Effect,
    failure: Failure,
    retry_after: Option<Duration>,
) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let first = match (failure, effect) {
        (Failure::Refused(Refusal::Expired), _) if attempt == 1 => return Some(Duration::ZERO),
        (Failure::Refused(Refusal::Throttled), _) => FIRST_THROTTLED,
        (Failure::NotSent, _) => FIRST,
        (Failure::Broken | Failure::Refused(Refusal::Unavailable), Effect::Reads) => FIRST,
        _ => return None,
    };
    let backoff = (first * 2_u32.pow(attempt.saturating_sub(1))).mul_f64(0.5 + jitter / 2.0);
    let pause = retry_after.map_or(backoff, |asked| asked.max(backoff));
    (pause <= LONGEST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAVAILABLE: Failure = Failure::Refused(Refusal::Unavailable);
    const THROTTLED: Failure = Failure::Refused(Refusal::Throttled);
    const EXPIRED: Failure = Failure::Refused(Refusal::Expired);
    const FINAL: Failure = Failure::Refused(Refusal::Final);

    /// After the first attempt.
    fn again(effect: Effect, failure: Failure) -> bool {
        pause(1, effect, failure, None).is_some()
    }

    #[test]
    fn changing_calls_are_repeated_only_when_they_were_not_carried_out() {
        for failure in [
            Failure::TimedOut,
            Failure::Unreachable,
            Failure::Broken,
            Failure::Resting,
            UNAVAILABLE,
            FINAL,
        ] {
            assert!(!again(Effect::Changes, failure), "{failure:?}");
        }
        for failure in [Failure::NotSent, EXPIRED, THROTTLED] {
            assert!(again(Effect::Changes, failure), "{failure:?}");
        }
    }

    #[test]
    fn reading_calls_are_repeated_but_not_after_a_time_out_or_a_refusal() {
        for failure in [Failure::NotSent, Failure::Broken, UNAVAILABLE, EXPIRED, THROTTLED] {
            assert!(again(Effect::Reads, failure), "{failure:?}");
        }
        for failure in [Failure::TimedOut, Failure::Unreachable, Failure::Resting, FINAL] {
            assert!(!again(Effect::Reads, failure), "{failure:?}");
        }
    }

    #[test]
    fn three_attempts_are_enough_and_one_renewal() {
        assert_eq!(pause(3, Effect::Reads, Failure::NotSent, None), None);
        assert_eq!(pause(2, Effect::Reads, EXPIRED, None), None);
    }

    #[test]
    fn pauses_grow_with_jitter_and_obey_the_backend() {
        let pause = |jitter, attempt, failure, asked| {
            pause_with(jitter, attempt, Effect::Reads, failure, asked)
        };
        assert_eq!(pause(0.0, 1, UNAVAILABLE, None), Some(FIRST / 2));
        assert_eq!(pause(1.0, 2, UNAVAILABLE, None), Some(FIRST * 2));
        let asked = Some(Duration::from_secs(2));
        assert_eq!(pause(1.0, 1, THROTTLED, asked), asked);
        assert_eq!(pause(1.0, 1, THROTTLED, Some(Duration::from_secs(6))), None);
    }

    #[test]
    fn statuses_have_their_meaning() {
        assert_eq!(
            [429, 503, 408].map(Refusal::of_status),
            [Refusal::Throttled, Refusal::Unavailable, Refusal::Unavailable]
        );
        assert_eq!([301, 400, 404].map(Refusal::of_status), [Refusal::Final; 3]);
    }
}
