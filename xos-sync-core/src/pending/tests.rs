use diesel::{connection::SimpleConnection, sql_types::Text};
use tempfile::TempDir;

use super::*;
use crate::{
    db::{DatabaseUrl, Engine, OpenMode},
    model::Model as _,
    models::{Instance, Site, Slice},
    registry::Registry,
};

/// Rows of each model; all but a few are clean.
const ROWS: usize = 3000;

struct Plans {
    conn: AnyConnection,
    _folder: TempDir,
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text)]
    detail: String,
}

impl Plans {
    /// The core tables, with clean rows; `analyzed` tells SQLite how many.
    fn new(analyzed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("goal.db");
        let url = DatabaseUrl::parse(&path.display().to_string()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let db = crate::db::Db::open(&url.to_string(), OpenMode::Create).await.unwrap();
            crate::migrate::migrate(&db, &Registry::linked().unwrap()).await.unwrap();
        });
        let mut conn = url.connect(OpenMode::Existing).unwrap();
        let rows = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
        );
        conn.batch_execute(&format!(
            "PRAGMA foreign_keys = OFF; BEGIN; \
             {rows} INSERT INTO sites (name, login_base) SELECT 's' || i, 's' || i FROM n; \
             {rows} INSERT INTO users (email, first_name, last_name, site_id) SELECT 'u' || i, 'u', 'u', i FROM n; \
             {rows} INSERT INTO slices (name, site_id) SELECT 's' || i, i FROM n; \
             {rows} INSERT INTO instances (name, slice_id, image_id, deployment_id, node_id) \
             SELECT 'i' || i, i, i, i, i FROM n; \
             UPDATE sites_sync SET enacted = updated; UPDATE slices_sync SET enacted = updated; \
             UPDATE instances_sync SET enacted = updated; COMMIT; {}",
            if analyzed { "ANALYZE" } else { "" },
        ))
        .unwrap();
        Self { conn, _folder: folder }
    }

    /// How SQLite goes about it, a line a table.
    fn of(&mut self, sql: &str) -> Vec<String> {
        let plan: Vec<Plan> =
            sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(&mut self.conn).unwrap();
        plan.into_iter().map(|plan| plan.detail).collect()
    }

    /// Nothing but the few rows of a partial index, and the journal, is gone through.
    fn assert_few_rows(&mut self, sql: &str) {
        for line in self.of(sql).iter().filter(|line| line.starts_with("SCAN")) {
            let few = ["_due", "_deleting", "_retry", "_resync"]
                .iter()
                .any(|index| line.ends_with(index));
            let constant = line == "SCAN CONSTANT ROW";
            // The journal, and the table of steps.
            let small = line == "SCAN j" || line.starts_with("SCAN o USING COVERING INDEX");
            assert!(few || constant || small, "{line} in the plan of {sql}");
        }
    }
}

fn observers() -> Observers {
    let mut observers = Observers::new(Engine::Sqlite);
    observers.add(&[Site::INFO], Site::INFO, None);
    observers.add(&[Slice::INFO], Slice::INFO, Some("enabled"));
    observers.add(&[Instance::INFO], Instance::INFO, None);
    observers
}

/// All questions of one model.
fn questions(model: &'static ModelInfo) -> (Questions, Vec<Question>) {
    let models: Vec<_> = Registry::linked().unwrap().models().collect();
    let questions = Questions::new(model, None, &observers(), &models, "test", "origin");
    let next =
        [Want::Sync, Want::Delete, Want::Purge].map(|want| Question::Next { want, after: 7 });
    let woken = questions.wake_paths.iter().map(|path| {
        Question::Woken(Wake {
            want: Want::Sync,
            by: By::Reference(path.column),
            condition: path.condition("t", "1,2,3"),
        })
    });
    let all = next.into_iter().chain(woken).collect();
    (questions, all)
}

#[test]
fn no_question_goes_through_clean_rows() {
    for analyzed in [false, true] {
        let mut plans = Plans::new(analyzed);
        for model in [Site::INFO, Slice::INFO, Instance::INFO] {
            let (questions, all) = questions(model);
            for question in &all {
                plans.assert_few_rows(&questions.keys(question, BATCH, Shards::ALL));
            }
            for statement in questions.end_waiting(Micros(5)) {
                plans.assert_few_rows(&statement);
            }
        }
    }
}

#[test]
fn pending_rows_are_found_by_their_partial_index() {
    let mut plans = Plans::new(true);
    let (questions, all) = questions(Instance::INFO);
    for (question, index) in
        all.iter().zip(["instances_due", "instances_deleting", "instances_deleting"])
    {
        let plan = plans.of(&questions.keys(question, BATCH, Shards::ALL));
        let found = plan.iter().find(|line| line.starts_with("SEARCH c ")).unwrap();
        assert!(found.contains(&format!("INDEX {index} (sync_id>?)")), "{found}");
    }
}

#[test]
fn the_questions_find_what_they_are_for() {
    let mut plans = Plans::new(false);
    let changes = [
        "UPDATE slices SET name = 'changed' || id WHERE id IN (3, 5, 6)",
        // The slice 5 waits for its site; 6 waits after a failure; 7 was deleted, and so was 8,
        // in which the backend still has an instance.
        "UPDATE sites SET name = 'changed' WHERE id = 5",
        "UPDATE slices_sync SET retry_at = 99 WHERE object_id = 6",
        "UPDATE instances SET slice_id = 1 WHERE slice_id IN (7, 9)",
        "UPDATE instances_sync SET enacted = updated",
        "DELETE FROM slices WHERE id IN (7, 8, 9)",
        // The slice 9 was never created.
        "UPDATE slices_sync SET enacted = NULL WHERE object_id = 9",
    ];
    for change in changes {
        plans.conn.batch_execute(change).unwrap();
    }
    let models: Vec<_> = Registry::linked().unwrap().models().collect();
    let questions = Questions::new(Slice::INFO, None, &observers(), &models, "test", "origin");
    let mut found = |want| {
        let question = Question::Next { want, after: 0 };
        match questions.ask(&mut plans.conn, None, &question, BATCH, Shards::ALL).unwrap().rows {
            Rows::Purge(rows) => rows.into_iter().map(|(id, _)| id).collect::<Vec<_>>(),
            Rows::Call(..) => unreachable!("no step was given"),
        }
    };
    assert_eq!(found(Want::Sync), [3]);
    assert_eq!(found(Want::Delete), [7]);
    assert_eq!(found(Want::Purge), [9]);
}
