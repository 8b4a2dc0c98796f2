//! One outcome → its row. The only code that writes `enacted` and removes rows.
//!
//! **Invariant (C3):** `enacted` becomes the version that was read before the call, never
//! "now", and never goes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer, Text},
};

use crate::{
    db::{AnyConnection, Engine},
    model::ModelInfo,
    schedule::Retry,
    sql,
    step::SaveBackend,
};

/// What is to be written about a row.
pub(crate) struct Outcome {
    pub(crate) model: &'static ModelInfo,
    pub(crate) id: i64,
    /// The version that was read before the call.
    pub(crate) read: i64,
    pub(crate) stamp: Stamp,
    pub(crate) save: Option<SaveBackend>,
}

impl Stamp {
    fn removes(&self) -> bool {
        matches!(self, Self::Gone | Self::NeverThere)
    }
}

/// Why a row is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Removal {
    /// `delete_record` has succeeded.
    Called,
    /// No backend holds anything of it.
    NotCalled,
}

/// What is expected of other transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// That they hold none of the rows: if one does, nothing is written.
    Hopeful,
    /// That they may: what they hold is left out.
    Careful,
}

/// How a call, or the lack of one, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// In line with the version that was read.
    Enacted(Before),
    /// Gone from the backend.
    Gone,
    /// Never there: removed if that is still so.
    NeverThere,
    /// Neither: looked at again at a known time.
    Failed(Failure),
}

/// What the row said before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Of no trouble.
    Steady,
    /// Of trouble that is over now.
    Troubled,
}

/// Why a row is not in line, as its columns say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: &'static str,
    pub(crate) message: String,
    pub(crate) retry: Retry,
}

#[derive(QueryableByName)]
struct RowId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// What stamping brought to light.
#[derive(Debug, Default)]
pub(crate) struct Stamped {
    /// Rows that left their table, by table.
    pub(crate) removed: BTreeMap<&'static str, Vec<i64>>,
    /// Tables of which some row was changed or deleted while it was in hand.
    pub(crate) changed: BTreeSet<&'static str>,
    /// Rows that another transaction holds just now: nothing was written of them.
    pub(crate) busy: BTreeSet<(&'static str, i64)>,
    /// Nothing was written, because the rows are another process's by now.
    pub(crate) fenced: bool,
}

/// Writes all outcomes; `removable` gives the condition under which a row of a table may be
/// removed.
pub(crate) fn stamp<'a>(
    conn: &mut AnyConnection,
    outcomes: impl IntoIterator<Item = &'a Outcome>,
    removable: &BTreeMap<(&'static str, Removal), String>,
    care: Care,
) -> QueryResult<Stamped> {
    let outcomes: Vec<&Outcome> = outcomes.into_iter().collect();
    let mut stamped = Stamped { busy: hold(conn, &outcomes, care)?, ..Stamped::default() };
    let mut enacted: BTreeMap<&'static str, Vec<&Outcome>> = BTreeMap::new();
    let mut gone: BTreeMap<(&'static str, Removal), Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        if stamped.busy.contains(&(outcome.model.table, outcome.id)) {
            continue;
        }
        if let Some(save) = &outcome.save {
            save(conn)?;
        }
        let table = outcome.model.table;
        match &outcome.stamp {
            Stamp::Enacted(_) => enacted.entry(table).or_default().push(outcome),
            Stamp::Gone => gone.entry((table, Removal::Called)).or_default().push(outcome),
            Stamp::NeverThere => {
                gone.entry((table, Removal::NotCalled)).or_default().push(outcome);
            }
            Stamp::Failed(failure) => {
                if !fail(conn, outcome, failure)? {
                    stamped.changed.insert(table);
                }
            }
        }
    }
    for (table, outcomes) in enacted {
        if !enact(conn, table, &outcomes)? {
            stamped.changed.insert(table);
        }
    }
    for ((table, removal), outcomes) in gone {
        let free = removable.get(&(table, removal)).map_or("TRUE", String::as_str);
        let removed = remove(conn, table, &outcomes, free)?;
        if removed.len() < outcomes.len() {
            stamped.changed.insert(table);
        }
        stamped.removed.entry(table).or_default().extend(removed);
    }
    Ok(stamped)
}

/// Takes hold of the rows on a server, in the order of their keys, and tells which are another
/// transaction's just now: nobody who leaves one open holds up the stamps of other rows. Taking
/// hold costs as much as a stamp, so at first only rows that are to be removed are held.
fn hold(
    conn: &mut AnyConnection,
    outcomes: &[&Outcome],
    care: Care,
) -> QueryResult<BTreeSet<(&'static str, i64)>> {
    let mut busy = BTreeSet::new();
    if conn.engine() == Engine::Sqlite {
        return Ok(busy);
    }
    let mut rows: BTreeMap<(&'static str, &str), Vec<i64>> = BTreeMap::new();
    let held = |outcome: &&&Outcome| care == Care::Careful || outcome.stamp.removes();
    for outcome in outcomes.iter().filter(held) {
        // A row that is to be removed must get no new children meanwhile.
        let lock = if outcome.stamp.removes() { "UPDATE" } else { "NO KEY UPDATE" };
        rows.entry((outcome.model.table, lock)).or_default().push(outcome.id);
    }
    for ((table, lock), ids) in rows {
        let of_these =
            format!("SELECT id FROM {table} WHERE id IN ({})", sql::list(ids.iter().copied()));
        let held: BTreeSet<i64> =
            row_ids(conn, &format!("{of_these} ORDER BY id FOR {lock} SKIP LOCKED"))?;
        if held.len() < ids.len() {
            // What is not there any more is nobody's.
            let there = row_ids(conn, &of_these)?;
            busy.extend(there.difference(&held).map(|id| (table, *id)));
        }
    }
    Ok(busy)
}

fn row_ids(conn: &mut AnyConnection, question: &str) -> QueryResult<BTreeSet<i64>> {
    let rows: Vec<RowId> = sql_query(question).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Whether all rows are in line with their goal now: a row whose goal was changed, or that was
/// deleted, since it was read is stamped with what was read, and stays pending.
fn enact(conn: &mut AnyConnection, table: &str, outcomes: &[&Outcome]) -> QueryResult<bool> {
    let (steady, healed): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|outcome| outcome.stamp == Stamp::Enacted(Before::Steady));
    let mut all_in_line = true;
    for (rows, forgotten) in [(steady, ""), (healed, FORGET_TROUBLE)] {
        if rows.is_empty() {
            continue;
        }
        let set = format!("enacted = v.column2{forgotten}");
        let guard = format!("c.updated = v.column2 AND {NEVER_BACK}");
        if set_enacted(conn, table, &set, &rows, &guard)? < rows.len() {
            all_in_line = false;
            set_enacted(conn, table, &set, &rows, NEVER_BACK)?;
        }
    }
    Ok(all_in_line)
}

/// A stamp never goes back.
const NEVER_BACK: &str = "(c.enacted IS NULL OR c.enacted < v.column2)";

/// Left out where there was none: the fewer columns are set, the fewer indexes are touched.
const FORGET_TROUBLE: &str =
    ", backend_status = NULL, backend_class = NULL, attempts = 0, retry_at = NULL";

fn set_enacted(
    conn: &mut AnyConnection,
    table: &str,
    set: &str,
    outcomes: &[&Outcome],
    guard: &str,
) -> QueryResult<usize> {
    let versions = versions(outcomes);
    sql_query(format!(
        "UPDATE {table} AS c SET {set} FROM (VALUES {versions}) AS v WHERE c.id = v.column1 AND {guard}"
    ))
    .execute(conn)
}

/// `(id,version),(id,version)`.
fn versions(outcomes: &[&Outcome]) -> String {
    let mut values = String::with_capacity(outcomes.len() * 28);
    for outcome in outcomes {
        let comma = if values.is_empty() { "" } else { "," };
        let _ = write!(values, "{comma}({},{})", outcome.id, outcome.read);
    }
    values
}

/// The wait is written only for the version that failed: a goal that was changed meanwhile
/// is tried at once. Whether it still was that version.
fn fail(conn: &mut AnyConnection, outcome: &Outcome, failure: &Failure) -> QueryResult<bool> {
    let table = outcome.model.table;
    let text = format!(
        "UPDATE {table} SET attempted = TRUE, backend_status = ?, backend_class = ?, attempts = ?, retry_at = ? \
         WHERE id = ? AND updated = ?"
    );
    let written = sql::query(conn.engine(), &text)
        .bind::<Text, _>(&failure.message)
        .bind::<Text, _>(failure.class)
        .bind::<Integer, _>(failure.retry.attempts)
        .bind::<BigInt, _>(failure.retry.at.0)
        .bind::<BigInt, _>(outcome.id)
        .bind::<BigInt, _>(outcome.read)
        .execute(conn)?;
    if written == 0 {
        mark_attempted(conn, table, &[outcome.id])?;
    }
    Ok(written > 0)
}

/// Notes that the backend may hold something of these rows.
pub(crate) fn mark_attempted(
    conn: &mut AnyConnection,
    table: &str,
    ids: &[i64],
) -> QueryResult<()> {
    let ids = sql::list(ids.iter().copied());
    sql_query(format!("UPDATE {table} SET attempted = TRUE WHERE id IN ({ids}) AND NOT attempted"))
        .execute(conn)?;
    Ok(())
}

/// Removes rows whose deletion still stands and that nobody references; the others stay
/// deleted, and are looked at again.
fn remove(
    conn: &mut AnyConnection,
    table: &str,
    outcomes: &[&Outcome],
    unreferenced: &str,
) -> QueryResult<Vec<i64>> {
    let ids = sql::list(outcomes.iter().map(|outcome| outcome.id));
    sql_query(format!(
        "UPDATE {table} AS c SET purgeable = TRUE FROM (VALUES {}) AS v \
         WHERE c.id = v.column1 AND c.deleted AND c.updated = v.column2 AND {unreferenced}",
        versions(outcomes),
    ))
    .execute(conn)?;
    let removed: Vec<RowId> =
        sql_query(format!("DELETE FROM {table} WHERE id IN ({ids}) AND purgeable RETURNING id"))
            .load(conn)?;
    Ok(removed.into_iter().map(|row| row.id).collect())
}

#[cfg(test)]
mod tests;
