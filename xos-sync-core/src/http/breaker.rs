//! PURE: whether a backend is worth asking. The circuit breaker of M. Nygard, *Release It!*.
//!
//! A backend that takes connections and never answers costs each call its whole time limit, and the
//! calls of a step are limited in number: without this, one that hangs would keep those to others
//! waiting. One that answers with an error, or refuses connections, costs next to nothing.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a backend is not asked after the first call that it did not answer.
const FIRST: Duration = Duration::from_secs(5);
/// It doubles with each call that is not answered either, up to this.
const LONGEST: Duration = Duration::from_secs(60);

/// What is known of one backend.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When something came back from it last.
    heard: Option<Instant>,
    rest: Option<Rest>,
}

#[derive(Debug)]
struct Rest {
    until: Instant,
    length: Duration,
    /// Since when a call is under way, to see whether it answers again.
    probing: Option<Instant>,
}

/// A call that is under way.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    breaker: &'a Breaker,
    began: Instant,
    is_probe: bool,
}

impl Breaker {
    /// Lets a call begin, or says how long it is to wait.
    pub(super) fn enter(&self, now: Instant) -> Result<Entry<'_>, Duration> {
        let mut state = self.lock();
        let is_probe = match &mut state.rest {
            None => false,
            Some(rest) if rest.until > now => return Err(rest.until - now),
            // One that takes its time, such as an upload, does not keep others from probing for ever.
            Some(Rest { probing: Some(since), .. }) if now < *since + LONGEST => return Err(FIRST),
            Some(rest) => {
                rest.probing = Some(now);
                true
            }
        };
        Ok(Entry { breaker: self, began: now, is_probe })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry<'_> {
    /// Something came back.
    pub(super) fn heard(self, now: Instant) {
        let mut state = self.breaker.lock();
        state.heard = Some(now);
        state.rest = None;
    }

    /// Nothing came back within the time allowed. Unless something did for another call, the backend
    /// rests.
    pub(super) fn hung(self, now: Instant) {
        let mut state = self.breaker.lock();
        if state.heard.is_some_and(|heard| heard >= self.began) {
            return;
        }
        let length = match &state.rest {
            None => FIRST,
            Some(rest) if self.is_probe => (rest.length * 2).min(LONGEST),
            // It began before the rest did.
            Some(_) => return,
        };
        state.rest = Some(Rest { until: now + length, length, probing: None });
    }
}

impl Drop for Entry<'_> {
    /// A call that was given up says nothing.
    fn drop(&mut self) {
        if self.is_probe
            && let Some(rest) = &mut self.breaker.lock().rest
        {
            rest.probing = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn after_a_call_that_hung_all_wait_but_one_that_probes() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        let (first, second) = (breaker.enter(start).unwrap(), breaker.enter(start).unwrap());
        let at = start + seconds(60);
        first.hung(at);
        // It was under way already: no reason to rest for longer.
        second.hung(at + seconds(1));
        assert_eq!(breaker.enter(at + seconds(2)).unwrap_err(), seconds(3));
        let at = at + FIRST;
        let probe = breaker.enter(at).unwrap();
        assert_eq!(breaker.enter(at).unwrap_err(), FIRST);
        probe.hung(at + seconds(60));
        assert_eq!(breaker.enter(at + seconds(60)).unwrap_err(), FIRST * 2);
        let at = at + seconds(70);
        breaker.enter(at).unwrap().heard(at);
        assert!(breaker.enter(at).is_ok() && breaker.enter(at).is_ok());
    }

    #[test]
    fn a_backend_that_answers_others_is_only_slow() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        let slow = breaker.enter(start).unwrap();
        breaker.enter(start).unwrap().heard(start + seconds(1));
        slow.hung(start + seconds(60));
        assert!(breaker.enter(start + seconds(60)).is_ok());
    }

    #[test]
    fn rests_grow_up_to_a_minute() {
        let (breaker, mut at) = (Breaker::default(), Instant::now());
        let rests = [5, 10, 20, 40, 60, 60].map(|expected| {
            breaker.enter(at).unwrap().hung(at);
            let rest = breaker.enter(at).unwrap_err();
            at += rest;
            (rest, seconds(expected))
        });
        assert!(rests.iter().all(|(rest, expected)| rest == expected), "{rests:?}");
    }

    #[test]
    fn a_probe_that_is_given_up_or_takes_long_makes_room_for_another() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.enter(start).unwrap().hung(start);
        let at = start + FIRST;
        drop(breaker.enter(at).unwrap());
        let long = breaker.enter(at).unwrap();
        assert_eq!(breaker.enter(at + LONGEST / 2).unwrap_err(), FIRST);
        assert!(breaker.enter(at + LONGEST).is_ok());
        drop(long);
    }
}
