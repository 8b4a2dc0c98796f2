//! What a run shows while a long pass goes on: a bar when standard error is a terminal, a line of the log
//! now and then otherwise.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::{task::JoinHandle, time::Instant};

use crate::{pass::Report, synchronizer::Synchronizer};

/// A pass that takes longer than this shows its progress.
const LONG: Duration = Duration::from_secs(2);

/// Ends the showing when it is dropped.
pub(super) struct Showing(JoinHandle<()>);

impl Drop for Showing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn show(synchronizer: &Synchronizer) -> Showing {
    let mut progress = synchronizer.progress();
    let mut reports = synchronizer.reports();
    Showing(tokio::spawn(async move {
        loop {
            if progress.changed().await.is_err() {
                return;
            }
            let begun = Instant::now();
            let bar = bar();
            loop {
                tokio::select! {
                    ended = reports.changed() => {
                        bar.finish_and_clear();
                        if ended.is_err() {
                            return;
                        }
                        break;
                    }
                    () = tokio::time::sleep(LONG) => {
                        let report = progress.borrow_and_update().clone();
                        tell(&bar, &report, begun.elapsed());
                    }
                }
            }
        }
    }))
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn tell(bar: &ProgressBar, report: &Report, time: Duration) {
    let rate = report.calls() as f64 / time.as_secs_f64().max(0.001);
    let line = format!(
        "{} enacted, {} deleted, {} failed, {} waiting ({rate:.0}/s)",
        report.enacted, report.deleted, report.failed, report.waiting
    );
    if bar.is_hidden() {
        tracing::info!("so far: {line}");
    } else {
        bar.set_message(line);
        bar.tick();
    }
}
