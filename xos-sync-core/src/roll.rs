//! The roll of steps in the database: who observes what, and when each step last came round.
//!
//! Each Synchronizer enters its steps when it starts, so that the order (C5) holds across
//! Synchronizers and processes.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text},
};

use crate::{
    db::{AnyConnection, Engine},
    model::{Micros, ModelInfo},
    schedule::Round,
    sql,
    step::StepSpec,
    toposort::Observers,
};

/// One step for one observed model, as the database knows it.
#[derive(Debug, QueryableByName)]
pub(crate) struct Entry {
    #[diesel(sql_type = Text)]
    pub(crate) synchronizer: String,
    #[diesel(sql_type = Text)]
    pub(crate) step: String,
    /// The observed model's table.
    #[diesel(sql_type = Text)]
    pub(crate) model: String,
    /// The provided models' tables, separated by commas.
    #[diesel(sql_type = Text)]
    provides: String,
    #[diesel(sql_type = Nullable<Text>)]
    only_rows: Option<String>,
    /// Since when no process has the step, on a server.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) unserved_since: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_run: Option<i64>,
    #[diesel(sql_type = Integer)]
    pub(crate) attempts: i32,
    #[diesel(sql_type = Nullable<BigInt>)]
    retry_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) backend_status: Option<String>,
}

impl Entry {
    /// Whether it is this step's, for this model.
    pub(crate) fn is_of(&self, synchronizer: &str, step: &str, table: &str) -> bool {
        self.synchronizer == synchronizer && self.step == step && self.model == table
    }

    pub(crate) fn round(&self) -> Round {
        Round {
            last: self.last_run.map(Micros),
            attempts: self.attempts,
            retry_at: self.retry_at.map(Micros),
        }
    }
}

/// Whether the roll has exactly these steps of a Synchronizer.
pub(crate) fn is_entered(
    entries: &[Entry],
    synchronizer: &str,
    specs: &[&'static StepSpec],
) -> bool {
    let wanted: BTreeSet<_> = specs.iter().flat_map(|spec| lines(spec)).collect();
    let there: BTreeSet<_> = entries
        .iter()
        .filter(|entry| entry.synchronizer == synchronizer)
        .map(|entry| {
            let only = entry.only_rows.as_deref();
            (entry.step.as_str(), entry.model.as_str(), entry.provides.clone(), only)
        })
        .collect();
    wanted == there
}

/// Step, observed table, provided tables and condition.
fn lines(
    spec: &'static StepSpec,
) -> impl Iterator<Item = (&'static str, &'static str, String, Option<&'static str>)> {
    let provides = spec.provided().map(|model| model.table).collect::<Vec<_>>().join(",");
    spec.observed().map(move |model| (spec.name, model.table, provides.clone(), spec.only))
}

/// The steps of all Synchronizers in one text, which differs when one of them does.
pub(crate) fn fingerprint(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let Entry { synchronizer, step, model, provides, only_rows, .. } = entry;
        format!("{synchronizer}/{step}/{model}/{provides}/{only_rows:?}\n")
    };
    entries.iter().map(line).collect()
}

/// Enters the steps of a Synchronizer, and removes those that neither this program has nor
/// another process that is at work.
pub(crate) fn enter(
    conn: &mut AnyConnection,
    synchronizer: &str,
    specs: &[&'static StepSpec],
) -> QueryResult<()> {
    let mut keep = BTreeSet::new();
    for (step, model, provides, only) in specs.iter().flat_map(|spec| lines(spec)) {
        keep.insert((step, model));
        sql::query(
            conn.engine(),
            "INSERT INTO xos_sync_steps (synchronizer, step, model, provides, only_rows) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (synchronizer, step, model) \
             DO UPDATE SET provides = excluded.provides, only_rows = excluded.only_rows",
        )
        .bind::<Text, _>(synchronizer)
        .bind::<Text, _>(step)
        .bind::<Text, _>(model)
        .bind::<Text, _>(&provides)
        .bind::<Nullable<Text>, _>(only)
        .execute(conn)?;
    }
    let served = steps_of_others(conn, synchronizer)?;
    for entry in all(conn)?.iter().filter(|entry| entry.synchronizer == synchronizer) {
        let this = format!("{}/{}", entry.step, entry.model);
        let is_served = served.iter().any(|steps| steps.split(',').any(|step| step == this));
        if !is_served && !keep.contains(&(entry.step.as_str(), entry.model.as_str())) {
            sql::query(
                conn.engine(),
                "DELETE FROM xos_sync_steps WHERE synchronizer = ? AND step = ? AND model = ?",
            )
            .bind::<Text, _>(synchronizer)
            .bind::<Text, _>(&entry.step)
            .bind::<Text, _>(&entry.model)
            .execute(conn)?;
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Steps {
    #[diesel(sql_type = Text)]
    steps: String,
}

/// The steps of the processes of this Synchronizer that are at work on a server.
fn steps_of_others(conn: &mut AnyConnection, synchronizer: &str) -> QueryResult<Vec<String>> {
    if conn.engine() == Engine::Sqlite {
        return Ok(Vec::new());
    }
    let members: Vec<Steps> = sql_query(format!(
        "SELECT steps FROM xos_sync_members WHERE synchronizer = $1 AND lease_until >= {}",
        sql::now(Engine::Postgres)
    ))
    .bind::<Text, _>(synchronizer)
    .load(conn)?;
    Ok(members.into_iter().map(|member| member.steps).collect())
}

/// All entries, of all Synchronizers.
pub(crate) fn all(conn: &mut AnyConnection) -> QueryResult<Vec<Entry>> {
    sql_query("SELECT * FROM xos_sync_steps ORDER BY synchronizer, step, model").load(conn)
}

/// Who observes what, as far as this program knows the models.
pub(crate) fn observers(
    engine: Engine,
    entries: &[Entry],
    models: &[&'static ModelInfo],
) -> Observers {
    let by_table: BTreeMap<&str, &'static ModelInfo> =
        models.iter().map(|model| (model.table, *model)).collect();
    let mut observers = Observers::new(engine);
    for entry in entries {
        let Some(observed) = by_table.get(entry.model.as_str()) else { continue };
        let provides: Vec<_> =
            entry.provides.split(',').filter_map(|table| by_table.get(table).copied()).collect();
        observers.add(&provides, observed, entry.only_rows.as_deref());
    }
    observers
}
