//! Outcomes → rows: written until they are written, whatever the database says meanwhile.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{AGAIN, Finished},
    Rules, Stamped,
};
use crate::{
    db::{Db, ErrorClass as DbErrorClass},
    enacted::{self, Care, Later, Stamp},
    error::{BackendClass, Error, Reason, Result},
    journal::{self, Owner},
    model::Micros,
    schedule::Retry,
};

/// How often a group is refused as a whole before each of its rows is written alone.
const MOST_REFUSALS: u32 = 3;

/// Writes until it is written: nothing of an outcome is ever dropped.
pub(super) async fn write(
    db: &Db,
    finished: Vec<Finished>,
    ended: BTreeSet<i64>,
    rules: &Arc<Rules>,
    fence: Option<&Owner>,
) -> Stamped {
    let mut stamped = Stamped {
        finished: Vec::new(),
        postponed: Vec::new(),
        ended: BTreeSet::new(),
        found: enacted::Stamped::default(),
    };
    let mut refusals = 0;
    let mut groups = vec![finished];
    let mut care = Care::Hopeful;
    while let Some(group) = groups.pop() {
        let group = Arc::new(group);
        // The journal's lines end with the last part of a group that was taken apart.
        let ended = if groups.is_empty() { still_ended(&ended, &stamped) } else { BTreeSet::new() };
        match write_group(db, &group, &ended, rules, fence, care).await {
            Ok(found) if found.fenced => {
                stamped.found.fenced = true;
                stamped.finished.extend(unshare(group));
                stamped.finished.extend(groups.drain(..).flatten());
            }
            Ok(found) => {
                stamped.ended = still_ended(&ended, &stamped);
                for (table, ids) in found.removed {
                    stamped.found.removed.entry(table).or_default().extend(ids);
                }
                stamped.found.left.extend(found.left);
                stamped.found.changed.extend(found.changed);
                let (busy, done): (Vec<_>, Vec<_>) =
                    unshare(group).into_iter().partition(|row| row.is_one_of(&found.busy));
                stamped.finished.extend(done);
                stamped.postponed.extend(busy);
            }
            Err(Error::Query(error))
                if care == Care::Hopeful && db.class_of(&error).may_be_a_lock() =>
            {
                care = Care::Careful;
                groups.push(unshare(group));
            }
            Err(error) if is_about_a_row(db, &error) && group.len() > 1 => {
                groups.extend(unshare(group).into_iter().map(|row| vec![row]));
            }
            Err(error) if is_about_a_row(db, &error) => {
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
                refusals += 1;
                match group.len() {
                    // Whatever it is about: it may be about this row alone.
                    1 => stamped.postponed.extend(unshare(group)),
                    _ if refusals > MOST_REFUSALS => {
                        groups.extend(unshare(group).into_iter().map(|row| vec![row]));
                    }
                    _ => {
                        tokio::time::sleep(AGAIN).await;
                        groups.push(unshare(group));
                    }
                }
            }
        }
    }
    stamped
}

/// Without the lines of rows that are not on disk yet.
fn still_ended(ended: &BTreeSet<i64>, stamped: &Stamped) -> BTreeSet<i64> {
    let open: BTreeSet<_> = stamped.postponed.iter().filter_map(|row| row.journal).collect();
    ended.difference(&open).copied().collect()
}

async fn write_group(
    db: &Db,
    group: &Arc<Vec<Finished>>,
    ended: &BTreeSet<i64>,
    rules: &Arc<Rules>,
    fence: Option<&Owner>,
    care: Care,
) -> Result<enacted::Stamped> {
    let (group, ended, rules) = (Arc::clone(group), ended.clone(), Arc::clone(rules));
    let fence = fence.cloned();
    db.write_quietly(move |conn| {
        if let Some(owner) = &fence
            && !journal::may_write(conn, owner)?
        {
            return Ok(enacted::Stamped { fenced: true, ..enacted::Stamped::default() });
        }
        let stamped =
            enacted::stamp(conn, group.iter().map(|row| &row.outcome), &rules.removable, care)?;
        // A line whose row is not stamped yet stays.
        let open: BTreeSet<_> = group
            .iter()
            .filter(|row| row.is_one_of(&stamped.busy))
            .filter_map(|row| row.journal)
            .collect();
        let ended: Vec<_> = ended.iter().copied().filter(|line| !open.contains(line)).collect();
        journal::end(conn, &ended)?;
        rules.tell(conn, &group, &stamped)?;
        Ok(stamped)
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
fn is_about_a_row(db: &Db, error: &Error) -> bool {
    matches!(error, Error::Query(error) if db.class_of(error) == DbErrorClass::Statement)
}

/// The row with the outcome that what its step wrote cannot be saved.
fn cannot_save(mut row: Finished, error: &Error) -> Finished {
    row.refused = true;
    row.outcome.save = None;
    row.outcome.stamp = Stamp::Later(Later {
        class: BackendClass::Terminal,
        reason: Reason::NOT_SAVED,
        message: format!("what the step did cannot be saved: {error}"),
        retry: Retry { attempts: 1, at: Micros::NEVER },
    });
    row
}
