//! A database for each test: a file, or a schema of the server that `tests/run` has started.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use xos_sync_core::db::Engine;

use crate::ENGINE;

/// An empty database. What was made on a server goes when this is dropped.
pub struct Database {
    pub url: String,
    /// The statement that removes it, and where it is run.
    removal: Option<(String, String)>,
}

impl Database {
    pub fn new(folder: &Path) -> Self {
        match ENGINE {
            Engine::Sqlite => {
                let url = folder.join("goal.db").display().to_string();
                Self { url, removal: None }
            }
            Engine::Postgres => {
                let (server, name) = (server(), format!("t{}", uuid::Uuid::new_v4().simple()));
                let (url, create, drop) = match server.rsplit_once('/') {
                    // For a pooler that passes no search path on.
                    Some((host, _))
                        if std::env::var_os("XOS_TEST_POSTGRES_DATABASES").is_some() =>
                    {
                        (
                            format!("{host}/{name}"),
                            format!("CREATE DATABASE {name}"),
                            format!("DROP DATABASE {name} WITH (FORCE)"),
                        )
                    }
                    _ => (
                        format!("{server}?options=-csearch_path%3D{name}"),
                        format!("CREATE SCHEMA {name}"),
                        format!("DROP SCHEMA {name} CASCADE"),
                    ),
                };
                let made = shell(&server, &create);
                let errors = String::from_utf8_lossy(&made.stderr);
                assert!(made.status.success(), "no database could be made: {errors}");
                Self { url, removal: Some((drop, server)) }
            }
        }
    }

    /// Runs SQL in the engine's own program.
    pub fn shell(&self, sql: &str) -> Output {
        shell(&self.url, sql)
    }
}

fn shell(url: &str, sql: &str) -> Output {
    let mut command = match ENGINE {
        Engine::Sqlite => Command::new("sqlite3"),
        Engine::Postgres => Command::new("psql"),
    };
    match ENGINE {
        Engine::Sqlite => command.args(["-bail", "-batch", "-cmd", ".timeout 5000", url]),
        Engine::Postgres => command.args(["-qAtX", "-v", "ON_ERROR_STOP=1", url]),
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("these tests need `sqlite3` and `psql`: run tests/run");
    let mut input = child.stdin.take().unwrap();
    // In the language of the tests, whatever the server's is.
    let language = if ENGINE == Engine::Postgres { "SET lc_messages = 'C';\n" } else { "" };
    // A program that has ended already says why by itself.
    let _ = input.write_all(format!("{language}{sql};\n").as_bytes());
    drop(input);
    child.wait_with_output().unwrap()
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((drop, server)) = self.removal.take() {
            shell(&server, &drop);
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
