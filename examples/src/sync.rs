//! A Synchronizer in the background of a story.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use xos_sync_core::db::Db;
use xos_sync_core::error::BackendClass;
use xos_sync_core::event::{Event, Handle};
use xos_sync_core::status::{self, ObjectStatus, State, Status, StepStatus};
use xos_sync_core::synchronizer::Builder;
use xos_sync_core::{Micros, Registry};

use crate::Fallible;

/// The longest wait for a backend.
const LONGEST: Duration = Duration::from_secs(900);

/// How long nothing may go on by itself while something is not in line.
const STUCK: Duration = Duration::from_secs(10);

/// A Synchronizer that runs, and its database.
pub struct Sync {
    /// The goal state.
    pub db: Db,
    handle: Handle,
    stop: oneshot::Sender<()>,
    running: JoinHandle<xos_sync_core::error::Result<()>>,
}

impl Sync {
    /// Starts it; each of its passes that does something is printed.
    ///
    /// # Errors
    /// What is missing, or does not fit together.
    pub async fn start(builder: Builder) -> Fallible<Self> {
        let synchronizer = builder.build().await?;
        let (db, handle) = (synchronizer.db().clone(), synchronizer.handle());
        let mut reports = synchronizer.reports();
        tokio::spawn(async move {
            while reports.changed().await.is_ok() {
                let report = reports.borrow_and_update().clone();
                if let Some(report) = report.filter(|report| report.did_something()) {
                    println!("  pass {}: {report}", report.number);
                }
            }
        });
        let (stop, stopped) = oneshot::channel();
        let running =
            tokio::spawn(async move { synchronizer.run(async { drop(stopped.await) }).await });
        Ok(Self { db, handle, stop, running })
    }

    /// Has all steps list their backend now, instead of at their next turn, and waits until what they
    /// found is in line.
    ///
    /// # Errors
    /// When it ended, came to rest with something that does not heal by itself, or did not come to that in a
    /// quarter of an hour.
    pub async fn checked(&self) -> Fallible {
        let begun = Micros::now().0;
        let since = |step: &StepStatus| step.last_run.is_some_and(|last| last >= begun);
        let asking = async {
            loop {
                self.handle.send(Event::ComeRound);
                // Again, in case that nobody was there yet to hear it.
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        let checked = self.until("everything to be checked", |status| {
            status.steps.iter().all(since) && status.is_settled()
        });
        tokio::select! {
            checked = checked => checked,
            () = asking => Ok(()),
        }
    }

    /// How all rows are.
    ///
    /// # Errors
    /// What the database answered.
    pub async fn status(&self) -> Fallible<Status> {
        Ok(status::read(&self.db, &Registry::linked()?).await?)
    }

    /// Waits until everything is in line.
    ///
    /// # Errors
    /// When it ended, came to rest with something that does not heal by itself, or did not come to that in a
    /// quarter of an hour.
    pub async fn settled(&self) -> Fallible {
        self.until("everything to be in line", |status| status.is_settled()).await
    }

    /// Waits until nothing is left that heals or goes on by itself.
    ///
    /// # Errors
    /// When it ended, or did not come to that in a quarter of an hour.
    pub async fn quiet(&self) -> Fallible {
        self.until("the Synchronizer to come to rest", rests).await
    }

    async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Fallible {
        let begun = tokio::time::Instant::now();
        let mut moved = begun;
        loop {
            let status = self.status().await?;
            // A listing that has not come round yet may bring something new.
            let steps = &status.steps;
            let listed = !steps.is_empty() && steps.iter().all(|step| step.last_run.is_some());
            if listed && holds(&status) {
                return Ok(());
            }
            if self.running.is_finished() {
                return Err("the Synchronizer has ended".into());
            }
            if !(listed && rests(&status) && status.objects.iter().all(needs_somebody)) {
                moved = tokio::time::Instant::now();
            }
            if moved.elapsed() > STUCK {
                return Err(format!("this does not heal by itself:\n{status}").into());
            }
            if begun.elapsed() > LONGEST {
                return Err(format!("waited too long for {what}:\n{status}").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Finishes what has begun, and ends.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn stop(self) -> Fallible {
        let _ = self.stop.send(());
        Ok(self.running.await??)
    }
}

/// Whether nothing goes on, except for what is tried again.
fn rests(status: &Status) -> bool {
    let still = [State::Enacted, State::Held, State::Goal, State::Failed, State::Blocked];
    status.models.iter().flat_map(|model| model.counts.keys()).all(|state| still.contains(state))
}

/// Whether a row that is not in line stays so until somebody changes something.
fn needs_somebody(object: &ObjectStatus) -> bool {
    object.state != State::Failed || object.class == Some(BackendClass::Terminal)
}
