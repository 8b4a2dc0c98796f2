//! The status, read from the rows.

use std::collections::BTreeMap;

use diesel::{
    OptionalExtension, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Binary, Integer, Nullable, Text},
};

use super::{MOST_OBJECTS, ModelStatus, ObjectStatus, State, Status, StepStatus, blame, processes};
use crate::{
    db::{AnyConnection, Db, Engine},
    dmdot::Graph,
    error::{BackendClass, Reason, Result},
    model::ModelInfo,
    registry::Registry,
    roll,
    toposort::Observers,
};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// A row with its state.
#[derive(QueryableByName)]
pub(super) struct RowState {
    #[diesel(sql_type = BigInt)]
    sync_id: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) id: i64,
    /// In bytes, because a text that somebody wrote may be no UTF-8.
    #[diesel(sql_type = Nullable<Binary>)]
    label: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    pub(super) state: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) backend_status: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    backend_class: Option<BackendClass>,
    #[diesel(sql_type = Nullable<Text>)]
    backend_reason: Option<Reason>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<BigInt>)]
    retry_at: Option<i64>,
}

impl RowState {
    pub(super) fn label(&self) -> String {
        String::from_utf8_lossy(self.label.as_deref().unwrap_or_default()).into_owned()
    }
}

/// Reads the status of all models of the registry.
///
/// # Errors
/// What the database answered.
pub(super) async fn read(db: &Db, registry: &Registry) -> Result<Status> {
    let levels = Graph::of(registry.models()).levels();
    let mut models: Vec<_> = registry.models().collect();
    models.sort_by_key(|model| (levels.get(model.table).copied(), model.name));
    let mut status = db.run(move |conn| status(conn, &models)).await?;
    // One that was killed has not taken back what it said.
    status.processes.retain(|process| db.may_run(&process.synchronizer));
    Ok(status)
}

fn status(conn: &mut AnyConnection, models: &[&'static ModelInfo]) -> QueryResult<Status> {
    let entries = roll::all(conn)?;
    let observers = roll::observers(conn.engine(), &entries, models);
    let mut status = Status {
        database: None,
        models: Vec::new(),
        objects: Vec::new(),
        steps: Vec::new(),
        processes: processes::read(conn)?,
        synchronizers: Vec::new(),
    };
    for model in models {
        let counts = counts(conn, model, &observers)?;
        let troubled =
            counts.keys().any(|state| !matches!(state, State::Enacted | State::Held | State::Goal));
        if troubled {
            status.objects.extend(objects(conn, model, models, &observers)?);
        }
        if !counts.is_empty() {
            status.models.push(ModelStatus { model: model.name, table: model.table, counts });
        }
    }
    // What failed explains the rest.
    status.objects.sort_by_key(|object| !matches!(object.state, State::Failed | State::Waiting));
    status.steps = entries
        .into_iter()
        .map(|entry| StepStatus {
            last_run: entry.round().last.map(|last| last.0),
            unserved_since: entry.unserved_since,
            synchronizer: entry.synchronizer,
            step: entry.step,
            observes: entry.model,
            message: entry.backend_status,
            attempts: entry.attempts,
        })
        .collect();
    Ok(status)
}

fn counts(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    observers: &Observers,
) -> QueryResult<BTreeMap<State, i64>> {
    let counts: Vec<Count> = sql_query(format!(
        "SELECT state, count(*) AS rows FROM (SELECT {} AS state FROM {}) AS s GROUP BY state",
        state_of(model, observers),
        both(model),
    ))
    .load(conn)?;
    Ok(counts.into_iter().filter_map(|c| Some((State::parse(&c.state)?, c.rows))).collect())
}

/// The state of the row `c`, as SQL.
fn state_of(model: &'static ModelInfo, observers: &Observers) -> String {
    let unobserved = match observers.unobserved(model, "c") {
        Some(condition) => format!("WHEN {condition} THEN 'goal' "),
        None => String::new(),
    };
    format!(
        "CASE WHEN c.deleted AND (c.no_sync OR c.lazy_blocked) THEN 'held' \
         WHEN c.deleted AND c.backend_class IN ('transient', 'throttled', 'terminal') THEN 'failed' \
         WHEN c.deleted THEN 'deleting' {unobserved}WHEN c.no_sync THEN 'held' \
         WHEN c.enacted >= c.updated THEN 'enacted' WHEN c.lazy_blocked THEN 'held' \
         WHEN c.backend_class = 'waiting' THEN 'waiting' WHEN c.backend_class IS NOT NULL THEN 'failed' \
         WHEN {ready} THEN 'pending' ELSE 'blocked' END",
        ready = observers.ready(model, "t"),
    )
}

/// The query of rows with their states.
fn row_states(model: &'static ModelInfo, observers: &Observers) -> String {
    let engine = observers.engine;
    format!(
        "SELECT c.sync_id, c.object_id AS id, {label} AS label, {state} AS state, c.backend_status, \
         c.backend_class, c.backend_reason, c.attempts, c.retry_at FROM {both}",
        label = label_of(engine, model),
        state = state_of(model, observers),
        both = both(model),
    )
}

/// The bookkeeping `c` with the author's row `t`, where there is one.
fn both(model: &ModelInfo) -> String {
    let table = model.table;
    format!("{table}_sync AS c LEFT JOIN {table} AS t ON t.id = c.object_id AND NOT c.deleted")
}

/// The column that people call a row by, as SQL: of a deleted row, what it was.
fn label_of(engine: Engine, model: &ModelInfo) -> String {
    let Some(column) = model.label else { return "NULL".into() };
    let last = match engine {
        Engine::Sqlite => format!("CAST(json_extract(c.last, '$.{column}') AS TEXT)"),
        Engine::Postgres => format!("(c.last ->> '{column}')"),
    };
    let label = format!("CASE WHEN c.deleted THEN {last} ELSE CAST(t.{column} AS TEXT) END");
    match engine {
        Engine::Sqlite => format!("CAST({label} AS BLOB)"),
        Engine::Postgres => format!("convert_to({label}, 'UTF8')"),
    }
}

/// One row with its state, if there is such a row.
pub(super) fn row_state(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    id: i64,
    observers: &Observers,
) -> QueryResult<Option<RowState>> {
    sql_query(format!(
        "{} WHERE c.object_id = {id} ORDER BY c.deleted, c.sync_id DESC LIMIT 1",
        row_states(model, observers)
    ))
    .get_result(conn)
    .optional()
}

fn objects(
    conn: &mut AnyConnection,
    model: &'static ModelInfo,
    models: &[&'static ModelInfo],
    observers: &Observers,
) -> QueryResult<Vec<ObjectStatus>> {
    let rows: Vec<RowState> = sql_query(format!(
        "SELECT * FROM ({}) AS s WHERE state NOT IN ('enacted', 'held', 'goal') ORDER BY \
         CASE state WHEN 'failed' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END, sync_id LIMIT {MOST_OBJECTS}",
        row_states(model, observers),
    ))
    .load(conn)?;
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(state) = State::parse(&row.state) else { continue };
        let label = row.label();
        let message = match state {
            State::Blocked => blame::blocked_by(conn, model, row.id, observers)?,
            State::Deleting => {
                let keys = (row.sync_id, row.id);
                blame::kept_by(conn, model, keys, models)?.or(row.backend_status)
            }
            _ => row.backend_status,
        };
        objects.push(ObjectStatus {
            model: model.name,
            id: row.id,
            label,
            state,
            class: row.backend_class,
            reason: row.backend_reason,
            message,
            attempts: row.attempts,
            retry_at: row.retry_at,
        });
    }
    Ok(objects)
}
