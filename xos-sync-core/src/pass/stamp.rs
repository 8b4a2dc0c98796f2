//! Outcomes → rows, many at once, and whom that wakes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use diesel::{
    QueryResult, RunQueryDsl,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::{AGAIN, Done, Finished, Passes};
use crate::{
    db::{self, AnyConnection, Db, Engine},
    enacted::{self, Care, Failure, Removal, Stamp},
    error::{Error, ErrorClass, Result},
    journal::{self, Owner},
    lane::{Lane, ReadyRow},
    model::{Micros, ModelInfo},
    pending::{By, Wake, Want},
    schedule::Retry,
    sql,
    toposort::Observers,
};

/// What stamping follows, whatever is stamped.
pub(super) struct Rules {
    /// The condition under which a row of a table may be removed.
    removable: BTreeMap<(&'static str, Removal), String>,
    /// Tables for whose rows others may wait.
    awaited: BTreeSet<&'static str>,
    /// What rows of a table reference.
    parents: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Who stamps.
    origin: Arc<str>,
}

impl Rules {
    pub(super) fn new(
        origin: Arc<str>,
        observers: &Observers,
        models: &[&'static ModelInfo],
    ) -> Self {
        let targets = |model: &&'static ModelInfo| -> BTreeSet<&'static str> {
            model.references.iter().map(|reference| (reference.target)().table).collect()
        };
        let sources = |model: &&'static ModelInfo| {
            observers.wake_paths(model).into_iter().map(|path| path.source)
        };
        let mut removable = BTreeMap::new();
        for model in models {
            let free = observers.unreferenced(model, "c", models);
            let never_there = format!("{free} AND {}", observers.never_there(model, "c"));
            removable.insert((model.table, Removal::Called), free);
            removable.insert((model.table, Removal::NotCalled), never_there);
        }
        Self {
            removable,
            awaited: models.iter().flat_map(sources).collect(),
            parents: models.iter().map(|model| (model.table, targets(model))).collect(),
            origin,
        }
    }

    /// Tells other processes, where the database carries it, who may go on now.
    fn tell(
        &self,
        conn: &mut AnyConnection,
        group: &[Finished],
        stamped: &enacted::Stamped,
    ) -> QueryResult<()> {
        if conn.engine() == Engine::Sqlite {
            return Ok(());
        }
        let mut enacted: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        let awaited = |row: &&Finished| self.awaited.contains(row.outcome.model.table);
        let stamped_now = |row: &&Finished| {
            matches!(row.outcome.stamp, Stamp::Enacted(_)) && !row.is_one_of(&stamped.busy)
        };
        for row in group.iter().filter(stamped_now).filter(awaited) {
            let table = row.outcome.model.table;
            enacted.entry(table).or_default().push(row.outcome.id);
        }
        for (table, ids) in enacted {
            for ids in ids.chunks(MOST_TOLD) {
                let ids = sql::list(ids.iter().copied());
                notify(conn, &format!("+{} {table} {ids}", self.origin))?;
            }
        }
        let freed = stamped.removed.iter().filter(|(_, ids)| !ids.is_empty());
        for parent in freed.filter_map(|(table, _)| self.parents.get(table)).flatten() {
            notify(conn, &format!("+{} {parent}", self.origin))?;
        }
        Ok(())
    }
}

/// How long the outcome of a row waits that another transaction holds.
const HELD_BY_OTHERS: Duration = Duration::from_millis(200);

/// How often a group is refused as a whole before each of its rows is written alone.
const MOST_REFUSALS: u32 = 3;

/// Keys in one notification: it may have 8,000 bytes.
const MOST_TOLD: usize = 380;

fn notify(conn: &mut AnyConnection, payload: &str) -> QueryResult<usize> {
    diesel::sql_query("SELECT pg_notify(left('xos_sync.' || current_schema(), 63), $1)")
        .bind::<diesel::sql_types::Text, _>(payload)
        .execute(conn)
}

/// Outcomes that are on disk.
pub(super) struct Stamped {
    finished: Vec<Finished>,
    /// Of rows that others hold just now: to be written a little later.
    postponed: Vec<Finished>,
    /// Lines of the journal that ended with them.
    ended: BTreeSet<i64>,
    found: enacted::Stamped,
}

impl Finished {
    fn is_one_of(&self, rows: &BTreeSet<(&'static str, i64)>) -> bool {
        rows.contains(&(self.outcome.model.table, self.outcome.id))
    }
}

impl Passes {
    /// Writes the outcomes that have gathered, all together; one such write at a time, so that
    /// the next takes all that gather meanwhile.
    pub(super) fn stamp(&mut self) {
        if self.stamping || self.finished.is_empty() {
            return;
        }
        let all = std::mem::take(&mut self.finished);
        let (stale, finished): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|finished| self.is_stale(finished));
        self.drop_outcomes(stale);
        if finished.is_empty() {
            return;
        }
        self.stamping = true;
        let ended = self.lines_that_end_with(&finished);
        let (db, rules) = (self.db.clone(), self.stamping_rules.clone());
        let fence = self.membership.fence(self.context.synchronizer());
        self.tasks.spawn(async move {
            Done::Stamped(write(&db, finished, ended, &rules, fence.as_ref()).await)
        });
    }

    /// Lines of the journal of which no row is left when these are on disk.
    fn lines_that_end_with(&self, finished: &[Finished]) -> BTreeSet<i64> {
        let mut here: BTreeMap<i64, usize> = BTreeMap::new();
        for line in finished.iter().filter_map(|row| row.journal) {
            *here.entry(line).or_default() += 1;
        }
        let all = |(line, rows): &(i64, usize)| self.journal.get(line) == Some(rows);
        here.into_iter().filter(all).map(|(line, _)| line).collect()
    }

    /// Others hold these rows: their outcomes wait, and nobody else's.
    fn postpone(&mut self, rows: Vec<Finished>) {
        if rows.is_empty() {
            return;
        }
        self.unstamped.fetch_sub(rows.len(), Relaxed);
        self.tasks.spawn(async move {
            tokio::time::sleep(HELD_BY_OTHERS).await;
            Done::Postponed(rows)
        });
    }

    pub(super) fn postponed(&mut self, rows: Vec<Finished>) {
        if self.stopping {
            // The journal keeps them in mind: the next run asks the backend again.
            return;
        }
        self.unstamped.fetch_add(rows.len(), Relaxed);
        self.finished.extend(rows);
    }

    /// Rows that are another process's by now: it finds out for itself how they are.
    fn drop_outcomes(&mut self, finished: Vec<Finished>) {
        self.unstamped.fetch_sub(finished.len(), Relaxed);
        for row in finished {
            tracing::debug!(object = %row.object, "not stamped: another process has the row");
            self.lanes[row.lane].settled(row.outcome.id, row.outcome.read);
            self.waited(row.outcome.model);
        }
    }

    /// A row of this line has its outcome; whether it was the line's last.
    fn leave_line(&mut self, line: i64) -> bool {
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
            && self.leave_line(line)
        {
            self.end_line(line);
        }
    }

    fn end_line(&mut self, line: i64) {
        let db = self.db.clone();
        self.tasks.spawn(async move {
            // When it fails, the row counts as attempted after the restart: only slower.
            let _ = db.write_quietly(move |conn| journal::end(conn, &[line])).await;
            Done::Nothing
        });
    }

    pub(super) fn stamped(&mut self, stamped: Stamped) {
        self.stamping = false;
        let Stamped { finished, postponed, ended, found } = stamped;
        self.postpone(postponed);
        if found.fenced {
            if !finished.iter().all(|row| self.is_stale(row)) {
                self.struck_out();
            }
            return self.drop_outcomes(finished);
        }
        self.unstamped.fetch_sub(finished.len(), Relaxed);
        let mut enacted: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for line in finished.iter().filter_map(|row| row.journal) {
            if self.leave_line(line) && !ended.contains(&line) {
                self.end_line(line);
            }
        }
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
                Stamp::Gone | Stamp::NeverThere => {}
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
                stamped.found.changed.extend(found.changed);
                let (busy, done): (Vec<_>, Vec<_>) =
                    unshare(group).into_iter().partition(|row| row.is_one_of(&found.busy));
                stamped.finished.extend(done);
                stamped.postponed.extend(busy);
            }
            Err(Error::Query(error)) if care == Care::Hopeful && db::is_about_a_lock(&error) => {
                care = Care::Careful;
                groups.push(unshare(group));
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

/// What a database says that has other troubles than this row.
const PASSING: [&str; 22] = [
    // SQLite's words.
    "locked",
    "busy",
    "full",
    "I/O",
    "readonly",
    "unable to open",
    "malformed",
    "memory",
    // PostgreSQL's.
    "deadlock",
    "connection",
    "terminating",
    "starting up",
    "shutting down",
    "lock timeout",
    "could not",
    "canceling",
    "no space",
    "recovery",
    "read-only",
    "too many",
    "closed",
    "administrator",
];

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
            !PASSING.iter().any(|word| message.contains(word))
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
