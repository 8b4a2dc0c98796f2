//! Until when a process may begin calls.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Shared by all that begin calls. Begun before the renewal was sent, so that it never ends
/// later than the server thinks.
#[derive(Debug)]
pub(crate) struct Lease {
    base: Instant,
    /// Microseconds after the base.
    until: AtomicU64,
}

impl Lease {
    /// One that never ends: nobody else does this work.
    pub(crate) fn forever() -> Self {
        Self { base: Instant::now(), until: AtomicU64::new(u64::MAX) }
    }

    /// One that does not hold yet.
    pub(crate) fn none() -> Self {
        Self { base: Instant::now(), until: AtomicU64::new(0) }
    }

    /// Whether calls may begin.
    pub(crate) fn holds(&self) -> bool {
        let until = self.until.load(Relaxed);
        until == u64::MAX || micros(self.base.elapsed()) < until
    }

    /// It was renewed at `begun`, for this long.
    pub(crate) fn renewed(&self, begun: Instant, lasts: Duration) {
        let until = begun.saturating_duration_since(self.base).saturating_add(lasts);
        self.until.store(micros(until), Relaxed);
    }

    /// It does not hold any more.
    pub(crate) fn give_up(&self) {
        self.until.store(0, Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_from_its_renewal_to_its_end() {
        let lease = Lease::none();
        assert!(!lease.holds());
        lease.renewed(Instant::now(), Duration::from_secs(60));
        assert!(lease.holds());
        lease.renewed(lease.base, Duration::ZERO);
        assert!(!lease.holds());
        lease.renewed(Instant::now(), Duration::from_secs(60));
        lease.give_up();
        assert!(!lease.holds());
        assert!(Lease::forever().holds());
    }
}
