//! Outcomes → rows, many at once, and whom that wakes.

mod rules;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use super::{Done, Finished, Passes};
use crate::{
    enacted::{self, Stamp},
    journal,
    lane::{Lane, ReadyRow},
    pending::{By, Wake, Want},
    sql,
};

pub(super) use rules::Rules;
use write::write;

/// How long the outcome of a row waits that another transaction holds.
const HELD_BY_OTHERS: Duration = Duration::from_millis(200);

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
                    if let Some(at) = row.outcome.resync_at {
                        self.waits_until(row.lane, at);
                    }
                }
                Stamp::Later(later) => self.waits_until(row.lane, later.retry.at),
                Stamp::Gone | Stamp::NeverThere => {}
            }
        }
        for (table, ids) in enacted {
            self.wake_children(table, ids);
        }
        for table in found.left {
            self.look_for_deleted(table);
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
            self.look_for_deleted((reference.target)().table);
        }
    }

    /// Deleted rows of this table may be free.
    fn look_for_deleted(&mut self, table: &'static str) {
        self.repairs.rows_go(table);
        for lane in self.lanes.iter_mut().filter(|lane| lane.model.table == table) {
            lane.look_again_for(Want::Delete);
            lane.look_again_for(Want::Purge);
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
            condition: path.condition("t", ids),
        })
        .collect()
}
