//! Due steps → their pending objects, in bounded batches.
//!
//! Every question names the partial index that answers it, so that its cost follows from the
//! rows that are pending, never from the rows that there are (C10).

use std::{
    cmp::Reverse,
    time::{Duration, Instant},
};

use diesel::{
    OptionalExtension, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Nullable},
};

use crate::{
    db::{AnyConnection, Engine},
    journal,
    model::{Micros, ModelInfo},
    schedule,
    shard::Shards,
    sql,
    step::{AnyRow, Call, Observed, StepSpec},
    toposort::{self, Observers, WakePath},
};

/// Rows read at once, at the most.
pub(crate) const BATCH: usize = 1024;

/// Rows that are looked at first because they were changed last.
const NEWEST: usize = 64;

/// The questions about one model, prepared as text when a run starts.
#[derive(Debug, Clone)]
pub(crate) struct Questions {
    engine: Engine,
    model: &'static ModelInfo,
    /// Rows that are ready to be synced, or to be deleted from the backend.
    sync: String,
    delete: String,
    /// Deleted rows of which no backend holds anything.
    purge: String,
    pub(crate) wake_paths: Vec<WakePath>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// The next rows after this key.
    Next {
        /// What for.
        want: Want,
        /// The key.
        after: i64,
    },
    /// Rows that may have become ready.
    Woken(Wake),
}

/// What rows are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Want {
    /// A step's `sync_record`.
    Sync,
    /// A step's `delete_record`.
    Delete,
    /// Removal without a call.
    Purge,
}

/// Rows for which a condition has just come true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wake {
    pub(crate) want: Want,
    pub(crate) by: By,
    pub(crate) condition: String,
}

/// How rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By the rows that they reference in this column.
    Reference(&'static str),
    /// By their own key or identity: somebody changed just these.
    Key,
    /// By when they were changed, the last ones: somebody changed rows and it is not known
    /// which.
    Newest,
}

/// An answer.
pub(crate) struct Batch {
    pub(crate) rows: Rows,
    /// Whether there may be more after the last row.
    pub(crate) full: bool,
    /// When the next row's waiting time ends; asked when a sweep is at its end.
    pub(crate) retry_at: Option<Micros>,
    /// When the next enacted row is synced again.
    pub(crate) resync_at: Option<Micros>,
    pub(crate) took: Duration,
}

/// The rows of an answer.
pub(crate) enum Rows {
    /// To be handed to the step.
    Call(Call, Vec<Box<dyn AnyRow>>),
    /// To be removed: key and version.
    Purge(Vec<(i64, i64)>),
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    updated: i64,
}

#[derive(QueryableByName)]
struct NextTimes {
    #[diesel(sql_type = Nullable<BigInt>)]
    retry_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    resync_at: Option<i64>,
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = BigInt)]
    #[allow(dead_code)]
    one: i64,
}

impl Questions {
    /// Prepares the questions for one model, and one step if there is one.
    pub(crate) fn new(
        model: &'static ModelInfo,
        spec: Option<&StepSpec>,
        observers: &Observers,
        models: &[&'static ModelInfo],
        synchronizer: &str,
        origin: &str,
    ) -> Self {
        let deleting = sql::deleting("c.");
        let free = observers.unreferenced(model, "c", models);
        let engine = observers.engine;
        let created = sql::maybe_created(engine, model, "c");
        let (step, only) = spec.map_or(("", None), |spec| (spec.name, spec.only));
        let step = sql::step_name(synchronizer, step);
        let in_scope = toposort::was_in_scope(engine, model, "c", &step, only);
        let never_made = observers.never_made(model, "c");
        let not_in_flight =
            journal::not_in_flight_elsewhere(engine, model, "c", synchronizer, origin);
        Self {
            engine,
            model,
            sync: toposort::syncable(observers, model, only),
            delete: format!("{deleting} AND {created} AND {in_scope} AND {free}"),
            purge: format!("{deleting} AND {never_made} AND {not_in_flight} AND {free}"),
            wake_paths: observers.wake_paths(model),
        }
    }

    /// The SQL that finds the keys.
    pub(crate) fn keys(&self, question: &Question, limit: usize, shards: Shards) -> String {
        let by = |index: String| sql::indexed_by(self.engine, &index);
        let (condition, index, order) = match question {
            Question::Next { want, after } => (
                format!("c.sync_id > {after}"),
                by(self.standing_index(*want)),
                " ORDER BY c.sync_id",
            ),
            // In whatever order the index has them: a full batch is followed by a sweep.
            Question::Woken(Wake { by: By::Reference(column), condition, .. }) => {
                return self.keys_by_reference(column, condition, limit, shards);
            }
            Question::Woken(Wake { by: By::Key, condition, .. }) => {
                (condition.clone(), String::new(), "")
            }
            Question::Woken(Wake { by: By::Newest, want, .. }) => {
                (self.newest(*want), String::new(), "")
            }
        };
        let mine = mine(shards);
        let table = self.model.table;
        let (wanted, object) = match question.want() {
            Want::Sync => (&self.sync, self.object()),
            Want::Delete => (&self.delete, String::new()),
            Want::Purge => (&self.purge, String::new()),
        };
        format!(
            "SELECT c.sync_id FROM {table}_sync AS c{index}{object} \
             WHERE ({condition}){mine} AND {wanted}{order} LIMIT {limit}"
        )
    }

    /// The author's row beside its bookkeeping, looked up for one after the other: never by a
    /// join of the tables.
    fn object(&self) -> String {
        let table = self.model.table;
        match self.engine {
            Engine::Sqlite => format!(" CROSS JOIN {table} AS t NOT INDEXED ON t.id = c.object_id"),
            Engine::Postgres => format!(
                " CROSS JOIN LATERAL (SELECT * FROM {table} AS o WHERE o.id = c.object_id OFFSET 0) AS t"
            ),
        }
    }

    /// Rows that reference given ones: the row first, then its bookkeeping.
    fn keys_by_reference(
        &self,
        column: &str,
        condition: &str,
        limit: usize,
        shards: Shards,
    ) -> String {
        let (table, mine, wanted) = (self.model.table, mine(shards), &self.sync);
        let from = match self.engine {
            Engine::Sqlite => format!(
                "{table} AS t INDEXED BY {} CROSS JOIN {} ON c.object_id = t.id",
                sql::reference_index(self.model, column),
                sql::living(self.engine, self.model, "c"),
            ),
            Engine::Postgres => format!(
                "{table} AS t CROSS JOIN LATERAL \
                 (SELECT * FROM {table}_sync AS o WHERE o.object_id = t.id AND NOT o.deleted OFFSET 0) AS c"
            ),
        };
        format!("SELECT c.sync_id FROM {from} WHERE ({condition}){mine} AND {wanted} LIMIT {limit}")
    }

    /// The rows that were changed last, whether they are ready or not: read from the index
    /// alone, whatever is pending.
    fn newest(&self, want: Want) -> String {
        format!(
            "c.sync_id IN (SELECT sync_id FROM {table}_sync{index} WHERE {standing} \
             ORDER BY updated DESC LIMIT {NEWEST})",
            table = self.model.table,
            index = sql::indexed_by(self.engine, &self.standing_index(want)),
            standing = standing(want),
        )
    }

    fn standing_index(&self, want: Want) -> String {
        match want {
            Want::Sync => sql::due_index(self.model),
            Want::Delete | Want::Purge => sql::deleting_index(self.model),
        }
    }

    /// Asks.
    pub(crate) fn ask(
        &self,
        conn: &mut AnyConnection,
        observed: Option<&dyn Observed>,
        question: &Question,
        limit: usize,
        shards: Shards,
    ) -> QueryResult<Batch> {
        let begun = Instant::now();
        let want = question.want();
        let mut rows = if matches!(question, Question::Woken(_)) && !self.any(conn, want)? {
            Rows::Purge(Vec::new())
        } else {
            let keys = self.keys(question, limit, shards);
            match (want, observed) {
                (Want::Sync, Some(observed)) => self.load(conn, observed, Call::Sync, &keys)?,
                (Want::Delete, Some(observed)) => self.load(conn, observed, Call::Delete, &keys)?,
                _ => self.load_keys(conn, &keys)?,
            }
        };
        if question.is_of_newest() {
            rows.newest_first();
        }
        let full = rows.len() >= limit;
        let (retry_at, resync_at) = if full { (None, None) } else { self.next_times(conn)? };
        Ok(Batch { rows, full, retry_at, resync_at, took: begun.elapsed() })
    }

    fn load(
        &self,
        conn: &mut AnyConnection,
        observed: &dyn Observed,
        call: Call,
        keys: &str,
    ) -> QueryResult<Rows> {
        let rows = observed.load(conn, call, &sql::among(self.engine, keys))?;
        Ok(Rows::Call(call, rows))
    }

    fn load_keys(&self, conn: &mut AnyConnection, keys: &str) -> QueryResult<Rows> {
        let (table, among) = (self.model.table, sql::among(self.engine, keys));
        let rows: Vec<Key> =
            sql_query(format!(
                "SELECT s.sync_id AS id, s.updated FROM {table}_sync AS s WHERE {among} ORDER BY s.sync_id"
            ))
            .load(conn)?;
        Ok(Rows::Purge(rows.into_iter().map(|key| (key.id, key.updated)).collect()))
    }

    /// Whether any row at all is wanted: the cheap question before one that may have to look
    /// at many clean rows.
    fn any(&self, conn: &mut AnyConnection, want: Want) -> QueryResult<bool> {
        let found: Option<One> = sql_query(format!(
            "SELECT CAST(1 AS BIGINT) AS one FROM {}_sync{} WHERE {} LIMIT 1",
            self.model.table,
            sql::indexed_by(self.engine, &self.standing_index(want)),
            standing(want),
        ))
        .get_result(conn)
        .optional()?;
        Ok(found.is_some())
    }

    /// When the next waiting row, and the next enacted one, is due.
    fn next_times(
        &self,
        conn: &mut AnyConnection,
    ) -> QueryResult<(Option<Micros>, Option<Micros>)> {
        let table = self.model.table;
        let next = |column: &str, what: &str| {
            let index = sql::indexed_by(self.engine, &format!("{table}_{what}"));
            format!("(SELECT min({column}) FROM {table}_sync{index} WHERE {column} IS NOT NULL)")
        };
        let next: NextTimes = sql_query(format!(
            "SELECT {} AS retry_at, {} AS resync_at",
            next("retry_at", "retry"),
            next("resync_at", "resync"),
        ))
        .get_result(conn)?;
        let retry_at = next.retry_at.map(Micros).filter(|at| *at < Micros::NEVER);
        Ok((retry_at, next.resync_at.map(Micros)))
    }

    /// The statements that end the waiting of rows whose time has come, and that make enacted rows
    /// pending whose time has come.
    pub(crate) fn end_waiting(&self, now: Micros) -> [String; 2] {
        let table = self.model.table;
        let which = |has_come: &str| match self.engine {
            Engine::Sqlite => has_come.to_owned(),
            // What others hold is looked at again later.
            Engine::Postgres => format!(
                "sync_id IN (SELECT sync_id FROM {table}_sync WHERE {has_come} ORDER BY sync_id \
                 FOR NO KEY UPDATE SKIP LOCKED)"
            ),
        };
        let retry = which(&schedule::retry_has_come(now));
        let resync = which(&format!("resync_at IS NOT NULL AND resync_at <= {}", now.0));
        [
            format!("UPDATE {table}_sync SET retry_at = NULL WHERE {retry}"),
            sql::touch(self.engine, self.model, &resync),
        ]
    }
}

fn mine(shards: Shards) -> String {
    shards.condition("c").map_or(String::new(), |mine| format!(" AND {mine}"))
}

/// What the index holds that answers for this want.
fn standing(want: Want) -> String {
    match want {
        Want::Sync => sql::due(""),
        Want::Delete | Want::Purge => sql::deleting(""),
    }
}

impl Question {
    /// Whether it is about rows that somebody has just changed.
    pub(crate) fn is_of_changed(&self) -> bool {
        matches!(self, Self::Woken(Wake { by: By::Key | By::Newest, .. }))
    }

    /// Whether it is about the rows that were changed last, whichever they are.
    pub(crate) fn is_of_newest(&self) -> bool {
        matches!(self, Self::Woken(Wake { by: By::Newest, .. }))
    }

    pub(crate) fn want(&self) -> Want {
        match self {
            Self::Next { want, .. } => *want,
            Self::Woken(wake) => wake.want,
        }
    }
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Call(_, rows) => rows.len(),
            Self::Purge(rows) => rows.len(),
        }
    }

    /// Leaves those whose version is as said.
    pub(crate) fn retain(&mut self, mut which: impl FnMut(i64) -> bool) {
        match self {
            Self::Call(_, rows) => rows.retain(|row| which(row.updated())),
            Self::Purge(rows) => rows.retain(|(_, updated)| which(*updated)),
        }
    }

    fn newest_first(&mut self) {
        match self {
            Self::Call(_, rows) => rows.sort_by_key(|row| Reverse(row.updated())),
            Self::Purge(rows) => rows.sort_by_key(|(_, updated)| Reverse(*updated)),
        }
    }
}

#[cfg(test)]
mod tests;
