//! The SQL of the commands.

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Bool},
};

use crate::{db::AnyConnection, model::ModelInfo, sql};

/// Rows that wait because their backend asked for it: waiting ones, and those with a
/// `Retry-After`.
const ASKED_TO_WAIT: &str = "coalesce(backend_class, '') IN ('waiting', 'throttled')";

/// Rows that a retry found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retried {
    /// Rows that are tried again now.
    pub(super) now: usize,
    /// Rows that go on waiting as their backend asked.
    pub(super) waiting: usize,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Ends the waits of a model's rows, or of one row; `waiting` also ends those that a backend
/// asked for. `None` if there is no row with this key.
pub(super) fn retry(
    conn: &mut AnyConnection,
    model: &ModelInfo,
    id: Option<i64>,
    waiting: bool,
) -> QueryResult<Option<Retried>> {
    let table = sql::sync_table(model);
    let mut condition = "retry_at IS NOT NULL".to_owned();
    if let Some(id) = id {
        let exists =
            format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE object_id = {id}) AS found");
        if !sql_query(exists).get_result::<Found>(conn)?.found {
            return Ok(None);
        }
        condition = format!("{condition} AND object_id = {id}");
    }
    let mut left = 0;
    if !waiting {
        let asked =
            format!("SELECT count(*) AS rows FROM {table} WHERE {condition} AND {ASKED_TO_WAIT}");
        left = sql_query(asked).get_result::<Count>(conn)?.rows;
        condition = format!("{condition} AND NOT {ASKED_TO_WAIT}");
    }
    let update = format!("UPDATE {table} SET retry_at = NULL, attempts = 0 WHERE {condition}");
    let now = sql_query(update).execute(conn)?;
    Ok(Some(Retried { now, waiting: usize::try_from(left).unwrap_or_default() }))
}
