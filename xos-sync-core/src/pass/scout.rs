//! Where there is anything to look at: one question for all models, so that an event that
//! concerns one of many costs little.

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

use super::{AGAIN, Done, Passes};
use crate::{
    db::{AnyConnection, Engine},
    error::Result,
    model::ModelInfo,
    pending::Want,
    roll, sql,
};

/// A model with rows that wait for their step, or for their removal.
#[derive(QueryableByName)]
pub(super) struct Found {
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = Text)]
    what: String,
}

/// What SQLite takes in one question.
const MOST_PARTS: usize = 400;

/// The question, as SQL; in parts where there are very many models.
pub(super) fn queries(engine: Engine, models: &[&'static ModelInfo]) -> Vec<String> {
    let parts: Vec<_> = models
        .iter()
        .flat_map(|model| {
            [
                ("due", sql::due_index(model), sql::due("")),
                ("deleting", sql::deleting_index(model), sql::deleting("")),
            ]
            .map(|(what, index, condition)| {
                format!(
                    "SELECT '{table}' AS model, '{what}' AS what \
                     WHERE EXISTS (SELECT 1 FROM {table}_sync{index} WHERE {condition})",
                    table = model.table,
                    index = sql::indexed_by(engine, &index),
                )
            })
        })
        .chain(["SELECT DISTINCT model, 'unexpanded' AS what FROM xos_sync_unexpanded".to_owned()])
        .collect();
    parts.chunks(MOST_PARTS).map(|parts| parts.join(" UNION ALL ")).collect()
}

impl Passes {
    /// Asks, if something may have changed since the last time.
    pub(super) fn scout(&mut self) {
        if self.scouting || !self.scout_again {
            return;
        }
        self.scouting = true;
        self.scout_again = false;
        let (db, queries) = (self.db.clone(), self.scout_queries.clone());
        self.tasks.spawn(async move {
            let ask = move |conn: &mut AnyConnection| {
                let found = queries.iter().try_fold(Vec::new(), |mut found, query| {
                    found.append(&mut sql_query(query).load::<Found>(conn)?);
                    Ok::<_, diesel::result::Error>(found)
                })?;
                Ok((found, roll::fingerprint(&roll::all(conn)?)))
            };
            let found = db.run(ask).await;
            if found.is_err() {
                tokio::time::sleep(AGAIN).await;
            }
            Done::Scouted(found)
        });
    }

    pub(super) fn scouted(&mut self, found: Result<(Vec<Found>, String)>) {
        self.scouting = false;
        let found = match found {
            Ok((found, steps)) => {
                self.steps_changed |= *steps != *self.steps;
                found
            }
            Err(error) => {
                tracing::warn!(%error, "cannot ask where rows are pending; asking again");
                self.report.trouble = Some(error.to_string());
                self.scout_again = true;
                return;
            }
        };
        for Found { model, what } in found {
            if what == "deleting" {
                self.repairs.rows_go(&model);
            }
            if what == "unexpanded" {
                self.expand(&model);
                continue;
            }
            for lane in self.lanes.iter_mut().filter(|lane| lane.model.table == model) {
                if what == "due" {
                    lane.look_again_for(Want::Sync);
                } else {
                    lane.look_again_for(Want::Delete);
                    lane.look_again_for(Want::Purge);
                }
            }
        }
    }
}
