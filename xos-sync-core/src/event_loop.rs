//! The loop: one select over events, work that has ended, the clock and the shutdown. The
//! guide's `mainloop`, and the only place that waits for time to pass.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    event::{Feeds, Hints, RowKey},
    pass::{Clock, Passes, Report},
};

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Only at the shutdown.
    Shutdown,
    /// When nothing is left that can be done now.
    Quiet,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, or by the shutdown.
    Finished,
    /// The steps on the database are others by now: it is to begin anew.
    StepsChanged,
}

/// Runs passes until the end; the last pass's report. What was begun is finished first.
pub(crate) async fn run(
    mut passes: Passes,
    feeds: &mut Feeds,
    clock: Clock,
    safety_poll: Duration,
    until: Until,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
    reports: &watch::Sender<Option<Report>>,
) -> (Report, Ended) {
    let (mut stopping, mut restarting) = (false, false);
    let mut last = Report::default();
    let mut poll_at = Instant::now() + safety_poll;
    if until == Until::Shutdown {
        passes.repair_regularly();
    }
    loop {
        passes.turn();
        if passes.has_other_steps() && !restarting && !stopping {
            tracing::info!("the steps on this database have changed: beginning anew");
            restarting = true;
            passes.stop();
        }
        if passes.is_idle() {
            if let Some(report) = passes.finish_pass() {
                reports.send_replace(Some(report.clone()));
                if report.did_something() || until == Until::Quiet {
                    last = report;
                }
            }
            if stopping || restarting || until == Until::Quiet {
                passes.leave().await;
                let changed = restarting && !stopping;
                return (last, if changed { Ended::StepsChanged } else { Ended::Finished });
            }
        }
        let wake_at = next_wake(&passes, &clock, poll_at);
        tokio::select! {
            biased;
            () = shutdown.as_mut(), if !stopping => {
                tracing::info!("shutting down: what was begun is finished first");
                stopping = true;
                passes.stop();
            }
            () = passes.advance() => {}
            hints = feeds.next(), if !stopping => follow(&mut passes, &hints),
            () = tokio::time::sleep_until(wake_at.into()) => {
                if Instant::now() >= poll_at && !stopping {
                    poll_at = Instant::now() + safety_poll;
                    passes.look_again();
                }
            }
        }
    }
}

/// Looks where events say that there is something to see.
fn follow(passes: &mut Passes, hints: &Hints) {
    if hints.come_round {
        passes.all_come_round();
    }
    if hints.members {
        passes.members_changed();
    }
    if hints.unheard {
        passes.look_at_newest();
    }
    if hints.anything {
        // The rows and models are among it.
        passes.look_again();
    }
    for (table, ids) in &hints.enacted {
        passes.wake_children(table, ids.iter().copied());
    }
    for table in hints.models.iter().filter(|_| !hints.anything) {
        passes.look_again_at(table);
    }
    for (table, rows) in &hints.rows {
        let (mut ids, mut uids) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                RowKey::Id(id) => ids.push(*id),
                RowKey::Uid(uid) => uids.push(uid.as_str()),
            }
        }
        passes.look_at_rows(table, &ids, &uids);
    }
}

/// When something is due although nothing happens.
fn next_wake(passes: &Passes, clock: &Clock, poll_at: Instant) -> Instant {
    let (due, rest) = passes.next_due();
    let now = Instant::now();
    let due = due.map(|due| now + due.since(clock()));
    let at = [due, rest].into_iter().flatten().fold(poll_at, Instant::min);
    // Not before the next tick of the timer: a rest that is just over must not spin.
    at.max(now + Duration::from_micros(500))
}
