//! The write-ahead log of first calls: rows that are about to be handed to a step for the
//! first time are noted before, so that after a crash it is known that the backend may hold
//! something of them, and a deletion asks it (contract C4).
//!
//! One line a batch, not a write a row.

use std::collections::HashMap;

use diesel::{
    OptionalExtension, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};

use crate::{
    db::{AnyConnection, Engine},
    enacted::mark_attempted,
    model::ModelInfo,
    sql,
};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = Text)]
    ids: String,
}

#[derive(QueryableByName)]
struct RowId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    updated: i64,
}

/// In whose hand rows are: a Synchronizer, and where several processes share its work, one of
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) synchronizer: &'static str,
    pub(crate) member: String,
}

/// The line of a process that may not write any more: none.
pub(crate) const NOT_A_MEMBER: i64 = 0;

/// Notes rows before their first call: the line's number, and the present version of those that
/// are still to be synced and that no other transaction holds. A row that was deleted since it was
/// read gets no call, because nobody would remove what the call makes. A row that was changed is read
/// again, because its former parents may be gone.
pub(crate) fn begin(
    conn: &mut AnyConnection,
    owner: &Owner,
    model: &ModelInfo,
    ids: &[i64],
) -> QueryResult<(i64, HashMap<i64, i64>)> {
    if conn.engine() == Engine::Postgres && !may_write(conn, owner)? {
        return Ok((NOT_A_MEMBER, HashMap::new()));
    }
    let ids = sql::list(ids.iter().copied());
    let line = sql::query(
        conn.engine(),
        "INSERT INTO xos_sync_journal (synchronizer, member, model, ids) VALUES (?, ?, ?, ?) RETURNING id",
    )
    .bind::<Text, _>(owner.synchronizer)
    .bind::<Text, _>(&owner.member)
    .bind::<Text, _>(model.table)
    .bind::<Text, _>(&ids)
    .get_result::<RowId>(conn)?;
    // A change by somebody else comes before this, and is seen, or waits for it.
    let lock = match conn.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " ORDER BY sync_id FOR SHARE SKIP LOCKED",
    };
    let table = model.table;
    let live: Vec<Version> = sql_query(format!(
        "SELECT sync_id AS id, updated FROM {table}_sync WHERE sync_id IN ({ids}) AND NOT deleted{lock}"
    ))
    .load(conn)?;
    Ok((line.id, live.into_iter().map(|row| (row.id, row.updated)).collect()))
}

/// Whether a process may still write of rows in its hand: it was not struck out of those that
/// share the work. The answer holds until the transaction ends.
pub(crate) fn may_write(conn: &mut AnyConnection, owner: &Owner) -> QueryResult<bool> {
    let row: Option<RowId> = sql_query(
        "SELECT CAST(1 AS BIGINT) AS id FROM xos_sync_members WHERE member = $1 FOR KEY SHARE",
    )
    .bind::<Text, _>(&owner.member)
    .get_result(conn)
    .optional()?;
    Ok(row.is_some())
}

/// Forgets lines whose rows all have their outcome.
pub(crate) fn end(conn: &mut AnyConnection, lines: &[i64]) -> QueryResult<()> {
    if !lines.is_empty() {
        let lines = sql::list(lines.iter().copied());
        sql_query(format!("DELETE FROM xos_sync_journal WHERE id IN ({lines})")).execute(conn)?;
    }
    Ok(())
}

/// Whether a run of this owner left rows in hand.
pub(crate) fn has_lines(conn: &mut AnyConnection, owner: &Owner) -> QueryResult<bool> {
    let line: Option<RowId> = sql::query(
        conn.engine(),
        "SELECT id FROM xos_sync_journal WHERE synchronizer = ? AND member = ? LIMIT 1",
    )
    .bind::<Text, _>(owner.synchronizer)
    .bind::<Text, _>(&owner.member)
    .get_result(conn)
    .optional()?;
    Ok(line.is_some())
}

/// Marks the rows that this owner left in hand when it died; their number.
pub(crate) fn recover(
    conn: &mut AnyConnection,
    owner: &Owner,
    models: &[&'static ModelInfo],
) -> QueryResult<usize> {
    let (mut recovered, mut after) = (0, 0);
    loop {
        let line: Option<Line> = sql::query(
            conn.engine(),
            "SELECT id, model, ids FROM xos_sync_journal WHERE synchronizer = ? AND member = ? AND id > ? \
                 ORDER BY id LIMIT 1",
        )
        .bind::<Text, _>(owner.synchronizer)
        .bind::<Text, _>(&owner.member)
            .bind::<BigInt, _>(after)
        .get_result(conn)
        .optional()?;
        let Some(line) = line else { return Ok(recovered) };
        let ids: Vec<i64> = line.ids.split(',').filter_map(|id| id.parse().ok()).collect();
        let known = models.iter().find(|model| model.table == line.model);
        let Some(model) = known else {
            // Of a program with more models: one of its kind takes it over.
            after = line.id;
            continue;
        };
        // Where several steps of the Synchronizer observe the model, their scopes tell which it was.
        let step = format!(
            "(SELECT CASE WHEN count(*) = 1 THEN min(o.synchronizer || '.' || o.step) END \
             FROM xos_sync_steps AS o WHERE o.synchronizer = '{}' AND o.model = '{}')",
            owner.synchronizer, model.table
        );
        mark_attempted(conn, model.table, &ids, &step)?;
        recovered += ids.len();
        end(conn, &[line.id])?;
    }
}

/// The condition under which no other process has a first call of the row `row` in flight. A
/// process knows its own without asking; `origin` begins the names of its memberships.
pub(crate) fn not_in_flight_elsewhere(
    engine: Engine,
    model: &ModelInfo,
    row: &str,
    synchronizer: &str,
    origin: &str,
) -> String {
    let (position, own) = match engine {
        Engine::Sqlite => ("instr", String::new()),
        Engine::Postgres => ("strpos", format!(" AND strpos(j.member, '{origin}.') = 1")),
    };
    format!(
        "NOT EXISTS (SELECT 1 FROM xos_sync_journal AS j WHERE j.model = '{table}' \
         AND NOT (j.synchronizer = '{synchronizer}'{own}) \
         AND {position}(',' || j.ids || ',', ',' || CAST({row}.sync_id AS TEXT) || ',') > 0)",
        table = model.table,
        synchronizer = synchronizer.replace('\'', "''"),
    )
}
