//! What stamping follows, and whom it tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use diesel::{QueryResult, RunQueryDsl};

use super::super::Finished;
use crate::{
    db::{AnyConnection, Engine},
    enacted::{self, Removal, Stamp},
    model::ModelInfo,
    sql,
    toposort::Observers,
};

/// Keys in one notification: it may have 8,000 bytes.
const MOST_TOLD: usize = 380;

/// What stamping follows, whatever is stamped.
pub(in crate::pass) struct Rules {
    /// The condition under which a row of a table may be removed.
    pub(super) removable: BTreeMap<(&'static str, Removal), String>,
    /// Tables for whose rows others may wait.
    awaited: BTreeSet<&'static str>,
    /// What rows of a table reference.
    parents: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Who stamps.
    origin: Arc<str>,
}

impl Rules {
    pub(in crate::pass) fn new(
        origin: Arc<str>,
        observers: &Observers,
        models: &[&'static ModelInfo],
    ) -> Self {
        let targets = |model: &&'static ModelInfo| -> BTreeSet<&'static str> {
            model.references.iter().map(|reference| (reference.target)().table).collect()
        };
        let sources = |model: &&'static ModelInfo| {
            observers.wake_paths(model).into_iter().map(|path| path.source)
        };
        let mut removable = BTreeMap::new();
        for model in models {
            let free = observers.unreferenced(model, "c", models);
            let never_made = format!("{free} AND {}", observers.never_made(model, "c"));
            removable.insert((model.table, Removal::Called), free);
            removable.insert((model.table, Removal::NotCalled), never_made);
        }
        Self {
            removable,
            awaited: models.iter().flat_map(sources).collect(),
            parents: models.iter().map(|model| (model.table, targets(model))).collect(),
            origin,
        }
    }

    /// Tells other processes, where the database carries it, who may go on now.
    pub(super) fn tell(
        &self,
        conn: &mut AnyConnection,
        group: &[Finished],
        stamped: &enacted::Stamped,
    ) -> QueryResult<()> {
        if conn.engine() == Engine::Sqlite {
            return Ok(());
        }
        let mut enacted: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        let awaited = |row: &&Finished| self.awaited.contains(row.outcome.model.table);
        let stamped_now = |row: &&Finished| {
            matches!(row.outcome.stamp, Stamp::Enacted(_)) && !row.is_one_of(&stamped.busy)
        };
        for row in group.iter().filter(stamped_now).filter(awaited) {
            let table = row.outcome.model.table;
            enacted.entry(table).or_default().push(row.outcome.id);
        }
        for (table, ids) in enacted {
            for ids in ids.chunks(MOST_TOLD) {
                let ids = sql::list(ids.iter().copied());
                notify(conn, &format!("+{} {table} {ids}", self.origin))?;
            }
        }
        let freed = stamped.removed.iter().filter(|(_, ids)| !ids.is_empty());
        let parents = freed.filter_map(|(table, _)| self.parents.get(table)).flatten();
        for parent in parents.chain(&stamped.left).collect::<BTreeSet<_>>() {
            notify(conn, &format!("+{} {parent}", self.origin))?;
        }
        Ok(())
    }
}

fn notify(conn: &mut AnyConnection, payload: &str) -> QueryResult<usize> {
    diesel::sql_query(format!(
        "SELECT pg_notify(left('xos_sync.' || current_schema(), 63), $1) WHERE {}",
        sql::NOTIFICATIONS_ARE_ON
    ))
    .bind::<diesel::sql_types::Text, _>(payload)
    .execute(conn)
}
