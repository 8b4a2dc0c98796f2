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
    error::{BackendClass, Reason},
    model::{Micros, ModelInfo},
    schedule::Retry,
    sql,
    step::SaveBackend,
};

/// What is to be written about a row.
pub(crate) struct Outcome {
    pub(crate) model: &'static ModelInfo,
    /// The bookkeeping's key.
    pub(crate) id: i64,
    /// The version that was read before the call.
    pub(crate) read: i64,
    /// The keys that the row's references held, as it was read.
    pub(crate) references: Vec<Option<i64>>,
    /// The [`sql::step_name`] of the step that was called; empty when none was.
    pub(crate) step: String,
    pub(crate) stamp: Stamp,
    /// When it is synced again although nothing has changed.
    pub(crate) resync_at: Option<Micros>,
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
    /// Neither: called again at a known time.
    Later(Later),
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
pub(crate) struct Later {
    pub(crate) class: BackendClass,
    pub(crate) reason: Reason,
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
    /// Tables with deleted rows from which enacted rows may have moved away.
    pub(crate) left: BTreeSet<&'static str>,
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
    let mut enacted: BTreeMap<(&'static str, &str), Vec<&Outcome>> = BTreeMap::new();
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
            Stamp::Enacted(_) => {
                enacted.entry((table, &outcome.step)).or_default().push(outcome);
            }
            Stamp::Gone => gone.entry((table, Removal::Called)).or_default().push(outcome),
            Stamp::NeverThere => {
                gone.entry((table, Removal::NotCalled)).or_default().push(outcome);
            }
            Stamp::Later(later) => {
                if !put_off(conn, outcome, later)? {
                    stamped.changed.insert(table);
                }
            }
        }
    }
    for ((table, _), outcomes) in enacted {
        if !enact(conn, &outcomes)? {
            stamped.changed.insert(table);
        }
        if let Some(first) = outcomes.first() {
            stamped.left.extend(parents_with_deleted_rows(conn, first.model)?);
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
    let mut rows: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
    let mut saved: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
    for outcome in outcomes {
        let table = outcome.model.table;
        if care == Care::Careful || outcome.stamp.removes() {
            rows.entry(table).or_default().push(outcome.id);
        }
        if care == Care::Careful && outcome.save.is_some() {
            saved.entry(table).or_default().push(outcome.id);
        }
    }
    // The author's row first, as its writers do.
    for (table, ids) in saved {
        let ids = sql::list(ids);
        let of_these = format!(
            "SELECT s.sync_id AS id FROM {table} AS t, {table}_sync AS s \
             WHERE s.sync_id IN ({ids}) AND t.id = s.object_id AND NOT s.deleted"
        );
        let held =
            row_ids(conn, &format!("{of_these} ORDER BY 1 FOR NO KEY UPDATE OF t SKIP LOCKED"))?;
        let there = row_ids(conn, &of_these)?;
        busy.extend(there.difference(&held).map(|id| (table, *id)));
    }
    for (table, ids) in rows {
        let of_these = format!(
            "SELECT sync_id AS id FROM {table}_sync WHERE sync_id IN ({})",
            sql::list(ids.iter().copied())
        );
        let held = row_ids(conn, &format!("{of_these} ORDER BY 1 FOR NO KEY UPDATE SKIP LOCKED"))?;
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
fn enact(conn: &mut AnyConnection, outcomes: &[&Outcome]) -> QueryResult<bool> {
    let (steady, recovered): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|outcome| outcome.stamp == Stamp::Enacted(Before::Steady));
    let mut all_in_line = true;
    for (rows, forgotten) in [(steady, ""), (recovered, FORGET_ERROR)] {
        let Some(first) = rows.first() else { continue };
        let (engine, model, step) = (conn.engine(), first.model, &first.step);
        let set = format!("enacted = v.column2, step = '{step}'{forgotten}");
        let in_line = format!("{set}{}", applied_now(engine, model));
        let guard = format!("c.updated = v.column2 AND {NEVER_BACK}");
        if set_enacted(conn, model, &in_line, &versions(&rows), &guard)? < rows.len() {
            all_in_line = false;
            let as_read = format!("{set}{}", applied_as_read(model));
            set_enacted(conn, model, &as_read, &versions_with_references(&rows), NEVER_BACK)?;
        }
    }
    set_resync(conn, outcomes)?;
    Ok(all_in_line)
}

/// Notes when rows are synced again. A goal that has changed meanwhile is pending anyway.
fn set_resync(conn: &mut AnyConnection, outcomes: &[&Outcome]) -> QueryResult<()> {
    let mut values = String::new();
    for outcome in outcomes {
        if let Some(at) = outcome.resync_at {
            let comma = if values.is_empty() { "" } else { "," };
            let _ = write!(values, "{comma}({},{})", outcome.id, at.0);
        }
    }
    if let (Some(first), false) = (outcomes.first(), values.is_empty()) {
        set_enacted(conn, first.model, "resync_at = v.column2", &values, "c.enacted >= c.updated")?;
    }
    Ok(())
}

/// The tables that a model references and that have deleted rows.
fn parents_with_deleted_rows(
    conn: &mut AnyConnection,
    model: &ModelInfo,
) -> QueryResult<Vec<&'static str>> {
    let parents: BTreeSet<_> =
        model.references.iter().map(|reference| (reference.target)().table).collect();
    let parents: Vec<_> = parents.into_iter().collect();
    let probes: Vec<_> = parents
        .iter()
        .enumerate()
        .map(|(at, parent)| {
            format!(
                "SELECT CAST({at} AS BIGINT) AS id \
                 WHERE EXISTS (SELECT 1 FROM {parent}_sync WHERE deleted)"
            )
        })
        .collect();
    if probes.is_empty() {
        return Ok(Vec::new());
    }
    let found = row_ids(conn, &probes.join(" UNION ALL "))?;
    Ok(found.into_iter().filter_map(|at| parents.get(usize::try_from(at).ok()?).copied()).collect())
}

/// A stamp never goes back.
const NEVER_BACK: &str = "(c.enacted IS NULL OR c.enacted < v.column2)";

/// Left out where there was no error: the fewer columns are set, the fewer indexes are touched.
const FORGET_ERROR: &str = ", backend_status = NULL, backend_class = NULL, backend_reason = NULL, attempts = 0, retry_at = NULL";

/// What was applied is what the row holds: it has the version that was read.
fn applied_now(engine: Engine, model: &ModelInfo) -> String {
    let table = model.table;
    let mut set = format!(
        ", applied = (SELECT {} FROM {table} AS t WHERE t.id = c.object_id)",
        sql::applied_values(engine, model, "t")
    );
    for reference in model.references {
        let (column, parent) = (reference.column, (reference.target)().table);
        let _ = write!(
            set,
            ", {} = (SELECT p.sync_id FROM {table} AS t, {parent}_sync AS p \
             WHERE t.id = c.object_id AND p.object_id = t.{column} AND NOT p.deleted)",
            sql::applied_reference(column)
        );
    }
    set
}

/// The row has changed since it was read: its references were those that the outcome says.
fn applied_as_read(model: &ModelInfo) -> String {
    let mut set = String::from(", applied = NULL");
    for (at, reference) in model.references.iter().enumerate() {
        let key = format!("CAST(v.column{} AS BIGINT)", at + 3);
        let _ = write!(
            set,
            ", {} = {}",
            sql::applied_reference(reference.column),
            sql::sync_id_of((reference.target)(), &key)
        );
    }
    set
}

fn set_enacted(
    conn: &mut AnyConnection,
    model: &ModelInfo,
    set: &str,
    values: &str,
    guard: &str,
) -> QueryResult<usize> {
    sql_query(format!(
        "UPDATE {}_sync AS c SET {set} FROM (VALUES {values}) AS v WHERE c.sync_id = v.column1 AND {guard}",
        model.table
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

/// `(id,version,reference,…),…`.
fn versions_with_references(outcomes: &[&Outcome]) -> String {
    let mut values = String::new();
    for outcome in outcomes {
        let comma = if values.is_empty() { "" } else { "," };
        let _ = write!(values, "{comma}({},{}", outcome.id, outcome.read);
        for reference in &outcome.references {
            let _ = match reference {
                Some(key) => write!(values, ",{key}"),
                None => write!(values, ",CAST(NULL AS BIGINT)"),
            };
        }
        values.push(')');
    }
    values
}

/// The wait is written only for the version that failed: a goal that was changed meanwhile
/// is tried at once. Whether it still was that version.
fn put_off(conn: &mut AnyConnection, outcome: &Outcome, later: &Later) -> QueryResult<bool> {
    let table = outcome.model.table;
    let text = format!(
        "UPDATE {table}_sync SET attempted = TRUE, backend_status = ?, backend_class = ?, backend_reason = ?, \
         attempts = ?, retry_at = ?, step = ? WHERE sync_id = ? AND updated = ?"
    );
    let written = sql::query(conn.engine(), &text)
        .bind::<Text, _>(&later.message)
        .bind::<Text, _>(later.class.as_str())
        .bind::<Text, _>(later.reason.as_str())
        .bind::<Integer, _>(later.retry.attempts)
        .bind::<BigInt, _>(later.retry.at.0)
        .bind::<Text, _>(&outcome.step)
        .bind::<BigInt, _>(outcome.id)
        .bind::<BigInt, _>(outcome.read)
        .execute(conn)?;
    if written == 0 {
        mark_attempted(conn, table, &[outcome.id], &format!("'{}'", outcome.step))?;
    }
    Ok(written > 0)
}

/// Notes that the backend may hold something of these rows; `step` is the step that was called, as
/// SQL.
pub(crate) fn mark_attempted(
    conn: &mut AnyConnection,
    table: &str,
    ids: &[i64],
    step: &str,
) -> QueryResult<()> {
    let ids = sql::list(ids.iter().copied());
    sql_query(format!(
        "UPDATE {table}_sync SET attempted = TRUE, step = coalesce(step, {step}) \
         WHERE sync_id IN ({ids}) AND (NOT attempted OR step IS NULL)"
    ))
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
    let removed: Vec<RowId> = sql_query(format!(
        "DELETE FROM {table}_sync AS c WHERE c.sync_id IN ({ids}) AND c.deleted \
         AND (c.sync_id, c.updated) IN (VALUES {}) AND {unreferenced} RETURNING sync_id AS id",
        versions(outcomes),
    ))
    .load(conn)?;
    Ok(removed.into_iter().map(|row| row.id).collect())
}

#[cfg(test)]
mod tests;
