//! Who is in the way of a row that waits.

use diesel::{
    OptionalExtension, QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt,
};

use super::{State, read::row_state};
use crate::{
    db::AnyConnection,
    former,
    model::{ModelInfo, ObjectRef},
    sql,
    toposort::{Observers, Waiting},
};

/// Rows looked at in a chain of rows that wait for each other.
const LONGEST_CHAIN: usize = 32;

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The row at the root of what a blocked row waits for, and its trouble.
pub(super) fn blocked_by(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    id: i64,
    observers: &Observers,
) -> QueryResult<Option<String>> {
    let mut waiting = (model, id);
    let mut chain = vec![(model, id)];
    let mut names = vec![name(conn, model, id, observers)?];
    loop {
        let (model, id) = match chain.last() {
            Some(at) => *at,
            None => return Ok(None),
        };
        let Some((parent, parent_id)) = obstacle(conn, model, id, waiting, observers)? else {
            return proxy(conn, model, id, waiting, observers);
        };
        let Some(row) = row_state(conn, parent, parent_id, observers)? else {
            return Ok(Some(format!(
                "blocked by {} #{parent_id}, which does not exist",
                parent.name
            )));
        };
        let object = ObjectRef { model: parent, id: parent_id, label: row.label() };
        names.push(object.to_string());
        if let Some(at) = chain.iter().position(|seen| *seen == (parent, parent_id)) {
            return Ok(Some(format!("blocked by a circle of rows: {}", names[at..].join(" → "))));
        }
        let state = State::parse(&row.state).unwrap_or(State::Pending);
        if matches!(state, State::Blocked | State::Goal) && chain.len() < LONGEST_CHAIN {
            chain.push((parent, parent_id));
            // One that nobody observes waits for nothing itself.
            if state == State::Blocked {
                waiting = (parent, parent_id);
            }
            continue;
        }
        // The row is in line itself, or is never to be; its proxy rows are not.
        if matches!(state, State::Enacted | State::Held)
            && let Some(found) = proxy(conn, parent, parent_id, waiting, observers)?
        {
            return Ok(Some(found));
        }
        return Ok(Some(format!("blocked by {object}{}", why(state, row.backend_status))));
    }
}

fn name(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    id: i64,
    observers: &Observers,
) -> QueryResult<String> {
    let row = row_state(conn, model, id, observers)?;
    let label = row.map_or_else(String::new, |row| row.label());
    Ok(ObjectRef { model, id, label }.to_string())
}

/// A row that waits, by its model and key.
type At = (&'static ModelInfo, i64);

/// The first row that this one references and that is not enacted, as far as the waiting row is
/// concerned.
fn obstacle(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    id: i64,
    waiting: At,
    observers: &Observers,
) -> QueryResult<Option<At>> {
    for reference in model.references {
        let found: Option<Key> = sql_query(format!(
            "SELECT c.{column} AS id FROM {table} AS c, {waiting_table} AS w WHERE c.id = {id} AND w.id = {waiting_id} \
             AND c.{column} IS NOT NULL AND NOT ({ready})",
            column = reference.column,
            table = model.table,
            waiting_table = waiting.0.table,
            waiting_id = waiting.1,
            ready = observers.one_ready(reference, "c", Waiting { model: waiting.0, row: "w" }),
        ))
        .get_result(conn)
        .optional()?;
        if let Some(key) = found {
            return Ok(Some(((reference.target)(), key.id)));
        }
    }
    Ok(None)
}

/// A row that is provided but not observed is held back by its proxy rows.
fn proxy(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    id: i64,
    waiting: At,
    observers: &Observers,
) -> QueryResult<Option<String>> {
    let row = Waiting { model: waiting.0, row: "w" };
    for proxies in observers.holding_back(model, &id.to_string(), row, "c") {
        let child = proxies.model;
        let found: Option<Key> = sql_query(format!(
            "SELECT {key} AS id FROM {tables}, {} AS w WHERE w.id = {} AND {condition} ORDER BY 1 LIMIT 1",
            waiting.0.table,
            waiting.1,
            key = proxies.key,
            tables = proxies.tables,
            condition = proxies.condition,
        ))
        .get_result(conn)
        .optional()?;
        if let Some(key) = found {
            return match row_state(conn, child, key.id, observers)? {
                Some(row) => {
                    let object = ObjectRef { model: child, id: key.id, label: row.label() };
                    let state = State::parse(&row.state).unwrap_or(State::Pending);
                    Ok(Some(format!("blocked by {object}{}", why(state, row.backend_status))))
                }
                None => Ok(None),
            };
        }
    }
    Ok(None)
}

/// What is the matter with the row that is in the way.
fn why(state: State, message: Option<String>) -> String {
    match (state, message) {
        (State::Failed, Some(message)) => format!(", which failed: {message}"),
        (State::Waiting, Some(message)) => format!(", which is waiting: {message}"),
        (State::Deleting, _) => ", which is being deleted".into(),
        (State::Held, _) => ", which is held back (lazy_blocked)".into(),
        (state, _) => format!(", which is {}", state.as_str()),
    }
}

/// A row that still keeps a deleted one: `key` is that one's key in the bookkeeping, `id` the key
/// that the row had.
pub(super) fn kept_by(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    (key, id): (i64, i64),
    models: &[&'static ModelInfo],
) -> QueryResult<Option<String>> {
    for child in models {
        for reference in child.references.iter().filter(|r| (r.target)() == model) {
            let (table, column) = (child.table, reference.column);
            let enacted = format!(
                "SELECT object_id AS id FROM {table}_sync WHERE {applied} = {key} AND sync_id <> {itself} \
                 ORDER BY deleted, sync_id LIMIT 1",
                applied = sql::applied_reference(column),
                itself = if *child == model { key } else { 0 },
            );
            // A row of a writer that leaves foreign keys off, unless another object has the key.
            let living = format!(
                "SELECT id FROM {table} WHERE {column} = {id} AND NOT EXISTS \
                 (SELECT 1 FROM {parent}_sync WHERE object_id = {id} AND NOT deleted) ORDER BY id LIMIT 1",
                parent = model.table,
            );
            let (tables, keeping) = former::keeping(conn.engine(), child, model);
            let former = format!(
                "SELECT s.object_id AS id FROM {tables} WHERE {keeping} AND f.parent_id = {key} \
                 ORDER BY s.sync_id LIMIT 1"
            );
            for query in [enacted, former, living] {
                let found: Option<Key> = sql_query(query).get_result(conn).optional()?;
                if let Some(found) = found {
                    return Ok(Some(format!(
                        "waits until {} #{} no longer references it ({column})",
                        child.name, found.id
                    )));
                }
            }
        }
    }
    Ok(None)
}
