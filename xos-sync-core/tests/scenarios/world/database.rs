//! A database for each test: a file, or a schema of the server that `tests/run` has started.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use xos_sync_core::db::Engine;

use crate::ENGINE;

/// An empty database. A schema goes when this is dropped.
pub struct Database {
    pub url: String,
    schema: Option<String>,
}

impl Database {
    pub fn new(folder: &Path) -> Self {
        match ENGINE {
            Engine::Sqlite => {
                let url = folder.join("goal.db").display().to_string();
                Self { url, schema: None }
            }
            Engine::Postgres => {
                let schema = format!("t{}", uuid::Uuid::new_v4().simple());
                let url = format!("{}?options=-csearch_path%3D{schema}", server());
                let database = Self { url, schema: Some(schema.clone()) };
                let made = database.shell(&format!("CREATE SCHEMA {schema}"));
                let errors = String::from_utf8_lossy(&made.stderr);
                assert!(made.status.success(), "no schema could be made: {errors}");
                database
            }
        }
    }

    /// Runs SQL in the engine's own program.
    pub fn shell(&self, sql: &str) -> Output {
        let mut command = match ENGINE {
            Engine::Sqlite => Command::new("sqlite3"),
            Engine::Postgres => Command::new("psql"),
        };
        match ENGINE {
            Engine::Sqlite => command.args(["-bail", "-batch", "-cmd", ".timeout 5000", &self.url]),
            Engine::Postgres => command.args(["-qAtX", "-v", "ON_ERROR_STOP=1", &self.url]),
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().expect("these tests need `sqlite3` and `psql`: run tests/run");
        let mut input = child.stdin.take().unwrap();
        // A program that has ended already says why by itself.
        let _ = input.write_all(format!("{sql};\n").as_bytes());
        drop(input);
        child.wait_with_output().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(schema) = self.schema.take() {
            self.shell(&format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

/// The server's database.
fn server() -> String {
    std::env::var("XOS_TEST_POSTGRES").expect(
        "these tests need a PostgreSQL server: start them by tests/run, or set XOS_TEST_POSTGRES to what \
         `tests/services/postgres start DIR` prints",
    )
}

/// A trigger that refuses what is written.
pub(super) fn trigger(event: &str, when: &str, why: &str) -> String {
    match ENGINE {
        Engine::Sqlite => format!(
            "CREATE TRIGGER rule {event} WHEN {when} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        ),
        Engine::Postgres => format!(
            "CREATE FUNCTION rule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{why}'; END $$; \
             CREATE TRIGGER rule {event} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION rule()"
        ),
    }
}

/// What the engine says of a value that stands twice.
pub fn not_unique(table: &str, column: &str) -> String {
    match ENGINE {
        Engine::Sqlite => format!("UNIQUE constraint failed: {table}.{column}"),
        Engine::Postgres => {
            format!("duplicate key value violates unique constraint \"{table}_unique_{column}\"")
        }
    }
}
