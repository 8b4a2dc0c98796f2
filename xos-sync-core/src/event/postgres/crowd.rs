//! PURE: when notifications come so thick that nobody listens to each of them.

use std::time::{Duration, Instant};

/// How many are heard one by one in a [`WINDOW`]. Behind more than that, what really changed would come
/// last, and be asked for beside all that did not.
const MOST_HEARD: u64 = 200;

/// After such a time all is looked at instead.
const WINDOW: Duration = Duration::from_millis(20);

/// The notifications of the last moments.
#[derive(Debug)]
pub(super) struct Crowd {
    since: Instant,
    heard: u64,
    skipped: u64,
}

impl Crowd {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, heard: 0, skipped: 0 }
    }

    /// Whether one more is heard by itself.
    pub(super) fn hears(&mut self, now: Instant) -> bool {
        if self.skipped == 0 && now.saturating_duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        let hears = self.heard < MOST_HEARD;
        *(if hears { &mut self.heard } else { &mut self.skipped }) += 1;
        hears
    }

    /// How many were not heard, when it is time to look at all instead.
    pub(super) fn take_skipped(&mut self, now: Instant) -> Option<u64> {
        let is_over = now.saturating_duration_since(self.since) >= WINDOW;
        if self.skipped == 0 || !is_over {
            return None;
        }
        Some(std::mem::replace(self, Self::new(now)).skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_crowd_some_are_heard_and_then_all_is_looked_at() {
        let now = Instant::now();
        let mut crowd = Crowd::new(now);
        let heard = (0..1000).filter(|_| crowd.hears(now)).count();
        assert_eq!(heard, 200);
        assert_eq!(crowd.take_skipped(now + WINDOW / 2), None);
        // It goes on while nobody looks.
        assert!(!crowd.hears(now + WINDOW));
        assert_eq!(crowd.take_skipped(now + WINDOW), Some(801));
        assert_eq!(crowd.take_skipped(now + WINDOW * 2), None);
        assert!(crowd.hears(now + WINDOW * 2));
    }

    #[test]
    fn those_that_come_one_after_the_other_are_all_heard() {
        let now = Instant::now();
        let mut crowd = Crowd::new(now);
        for at in 0..2000 {
            let now = now + Duration::from_millis(1) * at;
            assert!((0..5).all(|_| crowd.hears(now)));
            assert_eq!(crowd.take_skipped(now), None);
        }
    }
}
