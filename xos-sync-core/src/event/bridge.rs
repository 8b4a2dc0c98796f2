//! Publishes what changes in the database on a message bus, for Synchronizers that hear of it
//! in no other way. Any process may do it, also several at once: events may be doubled.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};

use super::{
    Change, FeedError, Feeds, Handle, Inbox, Notice, RowKey, database_feed, feed::RECONNECT,
    latch::Hints,
};
use crate::{
    db::{AnyConnection, Db},
    error::sanitize,
    model::{Micros, ModelInfo},
    registry::Registry,
    sql,
};

/// Rows of a model that are published one by one; beyond it the model is.
const MOST_ROWS: usize = 64;

/// Puts changes on a bus.
#[async_trait]
pub trait Publisher: Send + 'static {
    /// What the log calls it. Without credentials.
    fn name(&self) -> String;

    /// Publishes one change; connects first where that is needed. When it returns, the bus has
    /// taken the change.
    ///
    /// # Errors
    /// Why the bus did not take it; it is published again after a growing wait.
    async fn publish(&mut self, change: &Change) -> Result<(), FeedError>;
}

#[async_trait]
impl Publisher for Box<dyn Publisher> {
    fn name(&self) -> String {
        (**self).name()
    }

    async fn publish(&mut self, change: &Change) -> Result<(), FeedError> {
        (**self).publish(change).await
    }
}

/// From the database to a bus.
///
/// # Guarantees
/// Every change of a goal that is committed while it runs is published, as a row or as a model,
/// also when the bus was away meanwhile. What is pending when it starts is published too.
pub struct Bridge {
    db: Db,
    models: Vec<&'static ModelInfo>,
    publisher: Box<dyn Publisher>,
    notice: Notice,
    /// By table: the newest of what is pending, as it was published.
    seen: BTreeMap<&'static str, BTreeSet<Version>>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    uid: String,
    #[diesel(sql_type = BigInt)]
    updated: i64,
}

impl Bridge {
    /// Publishes the changes of the registry's models.
    pub fn new(db: Db, registry: &Registry, publisher: impl Publisher) -> Self {
        let models = registry.models().collect();
        let notice = Notice::Notifications;
        Self { db, models, publisher: Box::new(publisher), notice, seen: BTreeMap::new() }
    }

    /// Does not listen to the server's notifications; a query each second finds changes.
    #[must_use]
    pub fn without_notifications(mut self) -> Self {
        self.notice = Notice::Probe;
        self
    }

    /// Runs until `shutdown` is ready.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let handle = Handle::new(self.models.iter().map(|model| model.table));
        let origin: Arc<str> = "bridge".into();
        let feed = database_feed(&self.db, &origin, self.notice).map(|feed| {
            let inbox = Inbox::new(feed.name(), handle.clone());
            (Arc::new(tokio::sync::Mutex::new(feed)), inbox)
        });
        let mut feeds = Feeds::new(&self.db, &handle, feed.as_slice());
        handle.send(super::Event::Changed);
        let work = async {
            loop {
                let hints = feeds.next().await;
                for change in self.look(&hints).await {
                    self.publish(&change).await;
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = shutdown => {}
        }
    }

    /// Until the bus has taken it. What changes meanwhile is remembered in bounded space.
    async fn publish(&mut self, change: &Change) {
        let mut failures = 0;
        while let Err(error) = self.publisher.publish(change).await {
            failures += 1;
            if failures == 1 {
                let error = sanitize(error.to_string());
                tracing::warn!(
                    bus = self.publisher.name(),
                    "cannot publish: {error}; trying again"
                );
            }
            tokio::time::sleep(RECONNECT.wait(failures, fastrand::f64())).await;
        }
    }

    /// The changes behind what was heard.
    async fn look(&mut self, hints: &Hints) -> Vec<Change> {
        let mut changes = Vec::new();
        let children = |parent: &str| {
            let waits = move |model: &&&'static ModelInfo| {
                model.references.iter().any(|reference| (reference.target)().table == parent)
            };
            self.models.iter().filter(waits).map(|model| model.table).collect::<Vec<_>>()
        };
        // Rows elsewhere may have waited for those that were enacted.
        let waiting = hints.enacted.keys().flat_map(|parent| children(parent));
        let models: BTreeSet<_> = hints.models.iter().copied().chain(waiting).collect();
        changes.extend(models.iter().map(|table| Change::of_model(*table)));
        let mut questions: Vec<_> = hints
            .rows
            .iter()
            .filter(|(table, _)| !models.contains(*table))
            .map(|(table, rows)| (*table, named(table, rows)))
            .collect();
        if hints.anything {
            let newer = |model: &&'static ModelInfo| {
                self.newer(model).map(|question| (model.table, question))
            };
            questions.extend(self.models.iter().flat_map(newer));
        }
        for (table, question) in questions {
            let asked = self.db.run(move |conn| versions(conn, &question)).await;
            match asked {
                Ok(rows) => changes.extend(self.changes(table, rows)),
                // Nobody knows what it was: let them look at all of it.
                Err(_) => changes.push(Change::of_model(table)),
            }
        }
        changes
    }

    /// The questions for pending rows that were not published yet.
    fn newer(&self, model: &ModelInfo) -> [String; 2] {
        let engine = self.db.engine();
        [(sql::due_index(model), sql::due("")), (sql::deleting_index(model), sql::deleting(""))]
            .map(|(index, condition)| {
                let by = sql::indexed_by(engine, &index);
                format!("{SELECT} {}_sync{by} WHERE {condition}", model.table)
            })
    }

    /// Compared with what was published last, not by time: clocks go back, and an older
    /// transaction may commit after a younger one.
    fn changes(&mut self, table: &'static str, rows: Vec<Version>) -> Vec<Change> {
        let all = rows.len() > MOST_ROWS;
        let seen = self.seen.entry(table).or_default();
        let new: Vec<_> = rows.into_iter().filter(|row| !seen.contains(row)).collect();
        if new.is_empty() {
            return Vec::new();
        }
        if seen.len() > 4 * MOST_ROWS {
            seen.clear();
        }
        seen.extend(new.iter().cloned());
        if all {
            return vec![Change::of_model(table)];
        }
        new.into_iter().map(|row| Change::of_row(table, row.uid, Micros(row.updated))).collect()
    }
}

const SELECT: &str = "SELECT uid, updated FROM";

fn named(table: &str, rows: &BTreeSet<RowKey>) -> String {
    let ids = rows.iter().filter_map(|row| match row {
        RowKey::Id(id) => Some(*id),
        RowKey::Uid(_) => None,
    });
    format!("{SELECT} {table}_sync WHERE sync_id IN ({})", sql::list(ids))
}

/// The newest first, so that no more than what is published one by one has to be read.
fn versions(conn: &mut AnyConnection, question: &str) -> QueryResult<Vec<Version>> {
    sql_query(format!("{question} ORDER BY updated DESC LIMIT {}", MOST_ROWS + 1)).load(conn)
}
