//! Repairs the bookkeeping and the expansions where triggers did not run: rows that came, went or
//! changed by a restore tool, by replication, by a writer that bypasses triggers, or in a
//! snapshot that was too old to see its neighbours.
//!
//! The tables are compared by key, a part at a time, so that no statement holds many rows.

mod circles;

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Nullable},
};

use crate::{
    db::{AnyConnection, Engine},
    expansion, former,
    model::{ColumnKind, ColumnType, ModelInfo},
    sql,
};

pub(crate) use circles::{free_circles, has_kept_rows};

/// Rows that are compared at once.
const PART: i64 = 5_000;

/// Where a comparison of a model's tables has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    row: Option<i64>,
    bookkeeping: Option<i64>,
    started: bool,
}

/// A part of the comparison: the rows that were repaired, and where it goes on, if it does.
pub(crate) struct Repaired {
    pub(crate) rows: usize,
    pub(crate) next: Option<Progress>,
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Nullable<BigInt>)]
    key: Option<i64>,
}

/// Compares the next part of a model's tables, and repairs the bookkeeping.
pub(crate) fn compare(
    conn: &mut AnyConnection,
    model: &ModelInfo,
    at: Progress,
) -> QueryResult<Repaired> {
    let (engine, table) = (conn.engine(), model.table);
    let mut rows = 0;
    let mut next = Progress { started: true, ..Progress::default() };
    if let Some(after) = after(at.row, at.started)
        && let Some(last) = last(conn, table, "id", after)?
    {
        let came = format!(
            "INSERT INTO {table}_sync (object_id) SELECT t.id FROM {table} AS t \
             WHERE t.id > {after} AND t.id <= {last} AND NOT EXISTS \
             (SELECT 1 FROM {table}_sync AS s WHERE s.object_id = t.id AND NOT s.deleted) \
             ON CONFLICT DO NOTHING"
        );
        rows += sql_query(came).execute(conn)?;
        next.row = Some(last);
    }
    if let Some(after) = after(at.bookkeeping, at.started)
        && let Some(last) = last(conn, &sql::sync_table(model), "sync_id", after)?
    {
        let part = format!("sync_id > {after} AND sync_id <= {last} AND NOT deleted");
        rows += sql_query(gone(engine, model, &part)).execute(conn)?;
        if let Some(changed) = changed(engine, model, &part) {
            rows += sql_query(changed).execute(conn)?;
        }
        next.bookkeeping = Some(last);
    }
    let more = next.row.is_some() || next.bookkeeping.is_some();
    Ok(Repaired { rows, next: more.then_some(next) })
}

/// The key after which a part begins; `None` when that side has been compared.
fn after(key: Option<i64>, started: bool) -> Option<i64> {
    if started { key } else { Some(i64::MIN) }
}

/// The last key of the part that begins after this one.
fn last(conn: &mut AnyConnection, table: &str, key: &str, after: i64) -> QueryResult<Option<i64>> {
    let last: Last = sql_query(format!(
        "SELECT max({key}) AS key FROM \
         (SELECT {key} FROM {table} WHERE {key} > {after} ORDER BY {key} LIMIT {PART}) AS part"
    ))
    .get_result(conn)?;
    Ok(last.key)
}

/// Rows that went without a trigger: the values that were enacted last are the last ones known.
fn gone(engine: Engine, model: &ModelInfo, part: &str) -> String {
    let table = model.table;
    let unknown = match engine {
        Engine::Sqlite => "json_object('id', object_id)",
        Engine::Postgres => "jsonb_build_object('id', object_id)",
    };
    format!(
        "UPDATE {table}_sync SET deleted = TRUE, {version}, last = coalesce(applied, {unknown}) \
         WHERE {part} AND NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.id = {table}_sync.object_id)",
        version = sql::next_version(engine),
    )
}

/// Enacted rows whose goal changed without a trigger. Floating-point numbers are not compared,
/// because JSON does not keep all of their digits on every engine; secrets are not kept.
fn changed(engine: Engine, model: &ModelInfo, part: &str) -> Option<String> {
    let table = model.table;
    let differs: Vec<_> = model
        .columns
        .iter()
        .filter(|column| column.kind == ColumnKind::Goal && !column.secret)
        .filter(|column| column.sql_type != ColumnType::Double)
        .map(|column| {
            let name = column.name;
            match engine {
                Engine::Sqlite => {
                    format!("t.{name} IS NOT json_extract({table}_sync.applied, '$.{name}')")
                }
                Engine::Postgres => format!(
                    "coalesce(to_jsonb(t.{name}), 'null') <> coalesce({table}_sync.applied -> '{name}', 'null')"
                ),
            }
        })
        .collect();
    (!differs.is_empty()).then(|| {
        format!(
            "UPDATE {table}_sync SET {version} WHERE {part} AND enacted >= updated AND applied IS NOT NULL \
             AND EXISTS (SELECT 1 FROM {table} AS t WHERE t.id = {table}_sync.object_id AND ({differs}))",
            version = sql::next_version(engine),
            differs = differs.join(" OR "),
        )
    })
}

/// The same for an expansion that a writer has left to the Synchronizer.
pub(crate) fn expand_left(conn: &mut AnyConnection, model: &ModelInfo) -> QueryResult<usize> {
    // Whoever leaves it once more after this is seen by the next look.
    sql_query(format!("DELETE FROM xos_sync_unexpanded WHERE model = '{}'", model.table))
        .execute(conn)?;
    expand(conn, model)
}

/// Forgets references that keep nothing any more; how many.
pub(crate) fn forget_former(
    conn: &mut AnyConnection,
    models: &[&'static ModelInfo],
) -> QueryResult<usize> {
    let mut forgotten = 0;
    for statement in former::forget(models) {
        forgotten += sql_query(statement).execute(conn)?;
    }
    Ok(forgotten)
}

/// Makes the rows that an expansion lacks, and removes those that follow from nothing; how many.
pub(crate) fn expand(conn: &mut AnyConnection, model: &ModelInfo) -> QueryResult<usize> {
    let (Some(make), Some(unmake)) = (expansion::make_all(model), expansion::unmake_all(model))
    else {
        return Ok(0);
    };
    Ok(sql_query(unmake).execute(conn)? + sql_query(make).execute(conn)?)
}
