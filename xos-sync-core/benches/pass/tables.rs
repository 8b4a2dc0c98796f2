//! The benchmark's tables and its step that does nothing.

use std::{path::Path, process::Command};

use diesel::{
    QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt,
};
use tempfile::TempDir;
use xos_sync_core::{
    Context, Id, Outcome, Registry, StepResult, SyncStep, Synchronizer,
    db::{Db, Engine, OpenMode},
    migrate, model, sync_step,
};

/// The top.
#[model(table = tops)]
pub struct Top {
    /// Its key.
    pub id: Id<Top>,
    /// Its name.
    pub name: String,
}

/// Between.
#[model(table = middles)]
pub struct Middle {
    /// Its key.
    pub id: Id<Middle>,
    /// Its name.
    pub name: String,
    /// Above.
    #[references(Top)]
    pub top_id: Id<Top>,
}

/// The bottom.
#[model(table = bottoms)]
pub struct Bottom {
    /// Its key.
    pub id: Id<Bottom>,
    /// Its name.
    pub name: String,
    /// Above.
    #[references(Middle)]
    pub middle_id: Option<Id<Middle>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Rows without references.
    Flat,
    /// Site → Slice → Instance: of 100 rows, 1 is at the top and 9 are between.
    Levels,
}

impl Shape {
    pub fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Levels => "three levels",
        }
    }
}

macro_rules! no_op {
    ($step:ident, $model:ident) => {
        /// Does nothing.
        #[sync_step(provides = $model, interval = 86400, concurrency = 64, synchronizer = "bench")]
        pub struct $step;

        impl SyncStep for $step {
            async fn sync_record(
                &self,
                _: &Context,
                _: &mut xos_sync_core::Row<$model>,
            ) -> StepResult {
                Ok(Outcome::Done)
            }

            async fn delete_record(
                &self,
                _: &Context,
                _: &xos_sync_core::Row<$model>,
            ) -> StepResult {
                Ok(Outcome::Done)
            }
        }
    };
}

no_op!(SyncTops, Top);
no_op!(SyncMiddles, Middle);
no_op!(SyncBottoms, Bottom);

pub struct Bench {
    /// Where an SQLite file lies.
    #[allow(dead_code)]
    pub folder: TempDir,
    pub url: String,
    pub db: Db,
    shape: Shape,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub fn registry() -> Registry {
    let models = Registry::default().model::<Top>().unwrap().model::<Middle>().unwrap();
    let models = models.model::<Bottom>().unwrap();
    let steps =
        [SyncTops::registration(), SyncMiddles::registration(), SyncBottoms::registration()];
    steps.into_iter().fold(models, Registry::step)
}

impl Bench {
    /// A database of `total` rows that are all enacted.
    pub async fn new(shape: Shape, total: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = url(folder.path());
        let db = Db::open(&url, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        let bench = Self { folder, url, db, shape };
        let (tops, middles) = bench.parts(total);
        bench
            .sql(format!(
                "INSERT INTO tops (name) SELECT 'top ' || value FROM generate_series(1, {tops})"
            ))
            .await;
        bench
            .sql(format!(
                "INSERT INTO middles (name, top_id) SELECT 'middle ' || value, 1 + value % {tops} \
                 FROM generate_series(1, {middles})"
            ))
            .await;
        let middle = match shape {
            Shape::Flat => "NULL".to_owned(),
            Shape::Levels => format!("1 + value % {middles}"),
        };
        bench
            .sql(format!(
                "INSERT INTO bottoms (name, middle_id) SELECT 'bottom ' || value, {middle} \
                 FROM generate_series(1, {})",
                total - tops - middles
            ))
            .await;
        bench.enact_all().await;
        bench
    }

    fn parts(&self, rows: i64) -> (i64, i64) {
        match self.shape {
            Shape::Flat => (0, 0),
            Shape::Levels => (rows / 100, rows * 9 / 100),
        }
    }

    async fn enact_all(&self) {
        for table in ["tops", "middles", "bottoms"] {
            self.sql(format!(
                "UPDATE {table}_sync SET enacted = updated WHERE enacted IS NULL OR enacted < updated"
            ))
            .await;
        }
        if self.db.engine() == Engine::Postgres {
            // What an autovacuum does after so many changes.
            self.sql("VACUUM ANALYZE".to_owned()).await;
        }
    }

    /// Makes this many rows pending, spread over the tables.
    pub async fn make_pending(&self, pending: i64) {
        let (tops, middles) = self.parts(pending);
        for (table, count) in
            [("tops", tops), ("middles", middles), ("bottoms", pending - tops - middles)]
        {
            self.sql(format!(
                "UPDATE {table}_sync SET updated = updated + 1 WHERE object_id IN (SELECT value * (SELECT count(*) FROM {table}) \
                 / {count} FROM generate_series(1, {count}))"
            ))
            .await;
        }
    }

    pub async fn index_entries(&self) -> i64 {
        let mut entries = 0;
        for table in ["tops", "middles", "bottoms"] {
            for (index, condition) in [
                (
                    "due",
                    "NOT deleted AND NOT no_sync AND NOT lazy_blocked AND (enacted IS NULL OR enacted < updated) AND retry_at IS NULL",
                ),
                ("deleting", "deleted AND NOT no_sync AND NOT lazy_blocked AND retry_at IS NULL"),
                ("retry", "retry_at IS NOT NULL"),
            ] {
                let by = match self.db.engine() {
                    Engine::Sqlite => format!(" INDEXED BY {table}_{index}"),
                    Engine::Postgres => String::new(),
                };
                let statement =
                    format!("SELECT count(*) AS count FROM {table}_sync{by} WHERE {condition}");
                let count =
                    self.db.run(move |conn| sql_query(statement).get_result::<Count>(conn)).await;
                entries += count.unwrap().count;
            }
        }
        entries
    }

    async fn sql(&self, statement: String) {
        // generate_series is no part of the library that is compiled in.
        let statement = series(&statement);
        self.db.run(move |conn| conn.batch_execute(&statement)).await.unwrap();
    }

    pub async fn synchronizer(&self) -> Synchronizer {
        Synchronizer::builder().db(self.db.clone()).registry(registry()).build().await.unwrap()
    }
}

/// An empty database: a file, or a schema of the server that `XOS_BENCH_POSTGRES` names.
pub fn url(folder: &Path) -> String {
    match std::env::var("XOS_BENCH_POSTGRES") {
        Err(_) => folder.join("goal.db").display().to_string(),
        Ok(server) => {
            let schema = format!("b{}", uuid::Uuid::new_v4().simple());
            let made = Command::new("psql")
                .args(["-qc", &format!("CREATE SCHEMA {schema}"), &server])
                .status()
                .unwrap();
            assert!(made.success());
            format!("{server}?options=-csearch_path%3D{schema}")
        }
    }
}

/// Replaces `generate_series(1, n)` by a recursive query.
fn series(statement: &str) -> String {
    match statement.split_once("generate_series(1, ") {
        None => statement.to_owned(),
        Some((before, after)) => {
            let (count, after) = after.split_once(')').unwrap();
            format!(
                "{before}(WITH RECURSIVE s(value) AS (SELECT 1 WHERE {count} > 0 UNION ALL SELECT value + 1 FROM s \
                 WHERE value < {count}) SELECT value FROM s) AS g{after}"
            )
        }
    }
}
