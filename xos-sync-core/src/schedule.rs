//! PURE: when what is due; the time is always passed in.

use std::time::Duration;

use crate::{error::ErrorClass, model::Micros};

/// Nothing waits longer than this, whatever a backend or a wrong clock says: a later time in
/// the database counts as come.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How the wait grows with the failures in a row: doubled each time, up to a limit, and
/// jittered so that objects that failed together do not come back together.
///
/// The way of "equal jitter": half of the wait is fixed, half is random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(15 * 60) }
    }
}

/// When an object that was not enacted is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) attempts: i32,
    pub(crate) at: Micros,
}

impl Retry {
    /// After a wait that is no failure.
    pub(crate) fn after(wait: Duration, attempts: i32, now: Micros) -> Self {
        Self { attempts, at: now.after(wait.min(LONGEST_WAIT)) }
    }
}

impl Backoff {
    /// The wait after this many failures in a row; `random` lies in 0..1.
    pub fn wait(&self, attempts: i32, random: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).clamp(0, 31).unsigned_abs();
        let full = self.first.saturating_mul(1 << doublings).min(self.longest).min(LONGEST_WAIT);
        full.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
    }

    /// What follows from an answer of this class after `attempts` failures before it.
    pub(crate) fn retry(
        &self,
        class: ErrorClass,
        attempts: i32,
        now: Micros,
        random: f64,
    ) -> Retry {
        let failures = attempts.saturating_add(1);
        match class {
            ErrorClass::Transient { at_least } => {
                let wait = self.wait(failures, random).max(at_least.unwrap_or_default());
                Retry { attempts: failures, at: now.after(wait.min(LONGEST_WAIT)) }
            }
            ErrorClass::NotFound => {
                Retry { attempts: failures, at: now.after(self.wait(failures, random)) }
            }
            ErrorClass::Terminal => Retry { attempts: failures, at: Micros::NEVER },
        }
    }
}

/// When a step comes round by itself next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// When it last came round with success.
    pub(crate) last: Option<Micros>,
    /// Failures in a row since.
    pub(crate) attempts: i32,
    /// After a failure: not before.
    pub(crate) retry_at: Option<Micros>,
}

impl Round {
    /// The moment when it is due. A time in the future that no wait explains was written by a
    /// clock that has since been put back: due at once.
    pub(crate) fn due(&self, interval: Duration, now: Micros) -> Micros {
        let plausible = |time: Micros, wait: Duration| time <= now.after(wait);
        match (self.retry_at, self.last) {
            (Some(at), _) if plausible(at, LONGEST_WAIT) => at,
            (Some(_), _) | (None, None) => now,
            (None, Some(last)) if last <= now => last.after(interval),
            (None, Some(_)) => now,
        }
    }
}

/// The SQL condition for a waiting time that has come.
pub(crate) fn retry_has_come(now: Micros) -> String {
    format!(
        "retry_at IS NOT NULL AND (retry_at <= {now} OR (retry_at > {beyond} AND retry_at < {never}))",
        now = now.0,
        beyond = now.after(LONGEST_WAIT).0,
        never = Micros::NEVER.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NOW: Micros = Micros(1_000_000_000);

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff { first: SECOND, longest: 10 * SECOND };
        let waits: Vec<_> = (1..=6).map(|attempts| backoff.wait(attempts, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.wait(i32::MAX, 1.0), 10 * SECOND);
    }

    #[test]
    fn jitter_takes_away_up_to_half() {
        let backoff = Backoff::default();
        assert_eq!(backoff.wait(1, 0.0), SECOND / 2);
        assert_eq!(backoff.wait(1, 0.5), SECOND * 3 / 4);
    }

    #[test]
    fn each_class_has_its_own_future() {
        let backoff = Backoff { first: SECOND, longest: 60 * SECOND };
        let retry = |class| backoff.retry(class, 2, NOW, 1.0);
        assert_eq!(
            retry(ErrorClass::Transient { at_least: None }),
            Retry { attempts: 3, at: NOW.after(4 * SECOND) }
        );
        assert_eq!(
            retry(ErrorClass::Transient { at_least: Some(30 * SECOND) }),
            Retry { attempts: 3, at: NOW.after(30 * SECOND) }
        );
        assert_eq!(retry(ErrorClass::Terminal), Retry { attempts: 3, at: Micros::NEVER });
    }

    #[test]
    fn a_step_comes_round_once_each_interval_also_when_the_clock_is_put_back() {
        let due = |round: Round| round.due(60 * SECOND, NOW);
        assert_eq!(due(Round::default()), NOW);
        let last = Micros(NOW.0 - 10_000_000);
        assert_eq!(due(Round { last: Some(last), ..Round::default() }), last.after(60 * SECOND));
        let future = NOW.after(3600 * SECOND);
        assert_eq!(due(Round { last: Some(future), ..Round::default() }), NOW);
        let retry_at = Some(NOW.after(SECOND));
        assert_eq!(due(Round { last: None, attempts: 1, retry_at }), NOW.after(SECOND));
    }
}
