//! Outcomes → rows, many at once, and whom that wakes.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::{AGAIN, Done, Finished, Passes};
use crate::{
    db::Db,
    enacted::{self, Failure, Stamp},
    error::{Error, ErrorClass, Result},
    journal,
    lane::{Lane, ReadyRow},
    model::Micros,
    pending::{By, Wake, Want},
    schedule::Retry,
    sql,
};

/// Outcomes that are on disk.
pub(super) struct Stamped {
    finished: Vec<Finished>,
    found: enacted::Stamped,
}

impl Passes {
    /// Writes the outcomes that have gathered, all together; one such write at a time, so that
    /// the next takes all that gather meanwhile.
    pub(super) fn stamp(&mut self) {
        if self.stamping || self.finished.is_empty() {
            return;
        }
        self.stamping = true;
        let finished = std::mem::take(&mut self.finished);
        let ended: Vec<i64> = finished
            .iter()
            .filter_map(|row| row.journal)
            .filter(|line| self.leave(*line))
            .collect();
        let (db, unreferenced) = (self.db.clone(), self.unreferenced.clone());
        self.tasks
            .spawn(async move { Done::Stamped(write(&db, finished, ended, unreferenced).await) });
    }

    /// A row of this line has its outcome; whether it was the line's last.
    fn leave(&mut self, line: i64) -> bool {
        let Some(rest) = self.journal.get_mut(&line) else { return false };
        *rest = rest.saturating_sub(1);
        let last = *rest == 0;
        if last {
            self.journal.remove(&line);
        }
        last
    }

    /// A row that was never handed to its step.
    pub(super) fn leave_journal(&mut self, row: ReadyRow) {
        if let Some(line) = row.journal
            && self.leave(line)
        {
            let db = self.db.clone();
            self.tasks.spawn(async move {
                // When it fails, the row counts as attempted after the restart: only slower.
                let _ = db.write_quietly(move |conn| journal::end(conn, &[line])).await;
                Done::Nothing
            });
        }
    }

    pub(super) fn stamped(&mut self, stamped: Stamped) {
        self.stamping = false;
        self.unstamped.fetch_sub(stamped.finished.len(), Relaxed);
        let Stamped { finished, found } = stamped;
        let mut enacted: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for row in &finished {
            let again = self.lanes[row.lane].settled(row.outcome.id, row.outcome.read);
            if again {
                let model = row.outcome.model;
                self.lanes.iter_mut().filter(|lane| lane.model == model).for_each(Lane::look_again);
            }
            match &row.outcome.stamp {
                Stamp::Enacted(_) => {
                    enacted.entry(row.outcome.model.table).or_default().push(row.outcome.id);
                }
                Stamp::Failed(failure) => self.waits_until(row.lane, failure.retry.at),
                Stamp::Gone => {}
            }
        }
        for (table, ids) in enacted {
            self.wake_children(table, ids);
        }
        for lane in self.lanes.iter_mut().filter(|lane| found.changed.contains(lane.model.table)) {
            lane.look_again();
        }
        for (table, ids) in found.removed {
            if !ids.is_empty() {
                self.report.deleted += ids.len() as u64;
                self.freed(table);
            }
        }
    }

    /// Rows of this table are enacted: those that waited for them may be next.
    pub(crate) fn wake_children(&mut self, table: &str, ids: impl IntoIterator<Item = i64>) {
        let ids = sql::list(ids);
        for lane in &mut self.lanes {
            waiting_for(lane, table, &ids).into_iter().for_each(|wake| lane.wake(wake));
        }
    }

    /// Rows of this table are gone: what they referenced may be next.
    fn freed(&mut self, table: &str) {
        let Some(model) =
            self.lanes.iter().map(|lane| lane.model).find(|model| model.table == table)
        else {
            return;
        };
        for reference in model.references {
            let parent = (reference.target)();
            for lane in self.lanes.iter_mut().filter(|lane| lane.model == parent) {
                lane.look_again_for(Want::Delete);
                lane.look_again_for(Want::Purge);
            }
        }
    }
}

/// The rows of this lane that may have waited for these.
fn waiting_for(lane: &Lane, table: &str, ids: &str) -> Vec<Wake> {
    lane.questions
        .wake_paths
        .iter()
        .filter(|path| path.source == table)
        .map(|path| Wake {
            want: Want::Sync,
            by: By::Reference(path.column),
            condition: path.condition("c", ids),
        })
        .collect()
}

/// Writes until it is written: nothing of an outcome is ever dropped.
async fn write(
    db: &Db,
    finished: Vec<Finished>,
    ended: Vec<i64>,
    unreferenced: Arc<BTreeMap<&'static str, String>>,
) -> Stamped {
    let mut stamped = Stamped { finished: Vec::new(), found: enacted::Stamped::default() };
    let mut groups = vec![finished];
    let ended = Arc::new(ended);
    while let Some(group) = groups.pop() {
        let group = Arc::new(group);
        // The journal's lines end with the last part of a group that was taken apart.
        let ended = if groups.is_empty() { ended.clone() } else { Arc::default() };
        match write_group(db, &group, &ended, &unreferenced).await {
            Ok(found) => {
                for (table, ids) in found.removed {
                    stamped.found.removed.entry(table).or_default().extend(ids);
                }
                stamped.found.changed.extend(found.changed);
                stamped.finished.extend(unshare(group));
            }
            Err(error) if is_about_a_row(&error) && group.len() > 1 => {
                groups.extend(unshare(group).into_iter().map(|row| vec![row]));
            }
            Err(error) if is_about_a_row(&error) => {
                for row in unshare(group) {
                    if row.refused {
                        let object = &row.object;
                        tracing::error!(%object, %error, "the database refuses every write to this row");
                        stamped.finished.push(row);
                    } else {
                        groups.push(vec![cannot_save(row, &error)]);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot write what was done; writing it again");
                tokio::time::sleep(AGAIN).await;
                groups.push(unshare(group));
            }
        }
    }
    stamped
}

async fn write_group(
    db: &Db,
    group: &Arc<Vec<Finished>>,
    ended: &Arc<Vec<i64>>,
    unreferenced: &Arc<BTreeMap<&'static str, String>>,
) -> Result<enacted::Stamped> {
    let (group, ended) = (Arc::clone(group), Arc::clone(ended));
    let unreferenced = Arc::clone(unreferenced);
    db.write_quietly(move |conn| {
        journal::end(conn, &ended)?;
        enacted::stamp(conn, group.iter().map(|row| &row.outcome), &unreferenced)
    })
    .await
}

fn unshare(group: Arc<Vec<Finished>>) -> Vec<Finished> {
    // The writing closure has been dropped with its answer, so this is the only owner; were it
    // not, its rows would stay in hand, and nothing would be lost.
    Arc::into_inner(group).unwrap_or_default()
}

/// Whether the database takes other rows, and refuses only this one: a constraint, or a
/// trigger of somebody else's.
fn is_about_a_row(error: &Error) -> bool {
    let Error::Query(DieselError::DatabaseError(kind, information)) = error else { return false };
    match kind {
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation => true,
        DatabaseErrorKind::Unknown => {
            let message = information.message();
            !["locked", "busy", "full", "I/O", "readonly", "unable to open", "malformed", "memory"]
                .iter()
                .any(|word| message.contains(word))
        }
        _ => false,
    }
}

/// The row with the outcome that what its step wrote cannot be saved.
fn cannot_save(mut row: Finished, error: &Error) -> Finished {
    row.refused = true;
    row.outcome.save = None;
    row.outcome.stamp = Stamp::Failed(Failure {
        class: ErrorClass::Terminal.as_str(),
        message: format!("what the step did cannot be saved: {error}"),
        retry: Retry { attempts: 1, at: Micros::NEVER },
    });
    row
}
