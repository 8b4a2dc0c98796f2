//! A database for each test, and the program that works on it.

use std::process::{Command, Output, Stdio};
#[cfg(feature = "postgres")]
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::program::WANTED;

/// An empty database. A schema goes when this is dropped.
pub struct Database {
    url: String,
    _folder: TempDir,
    schema: Option<String>,
}

/// One test after the other makes its tables.
#[cfg(feature = "postgres")]
static ALONE: Mutex<()> = Mutex::new(());

/// Runs the test on each engine that is built in.
pub fn on_each_engine(test: impl Fn(&Database)) {
    #[cfg(feature = "sqlite")]
    test(&Database::file());
    #[cfg(feature = "postgres")]
    test(&Database::schema());
}

impl Database {
    /// A SQLite file with the program's tables.
    #[cfg(feature = "sqlite")]
    pub fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("goal.db").display().to_string();
        Self { url, _folder: folder, schema: None }.migrated()
    }

    /// A schema of the server that `tests/run` has started, with the program's tables.
    #[cfg(feature = "postgres")]
    pub fn schema() -> Self {
        let server = std::env::var("XOS_TEST_POSTGRES").expect(
            "these tests need a PostgreSQL server: start them by tests/run, or set XOS_TEST_POSTGRES to what \
             `tests/services/postgres start DIR` prints",
        );
        let schema = format!("t{}", uuid::Uuid::new_v4().simple());
        let url = format!("{server}?options=-csearch_path%3D{schema}");
        let folder = tempfile::tempdir().unwrap();
        let database = Self { url, _folder: folder, schema: Some(schema.clone()) };
        // Migrations of one server wait for each other, but not for long.
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        database.sql(&format!("CREATE SCHEMA {schema}"));
        database.migrated()
    }

    fn migrated(self) -> Self {
        let done = self.run(&["migrate"]);
        assert!(done.status.success(), "{}", errors(&done));
        self
    }

    /// The program with these arguments.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--database", &self.url]).args(arguments).env(WANTED, "1");
        command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }

    /// Runs SQL in the engine's own program.
    pub fn sql(&self, statement: &str) -> String {
        let mut command = match self.schema {
            None => Command::new("sqlite3"),
            Some(_) => Command::new("psql"),
        };
        match self.schema {
            None => {
                command.args(["-bail", "-batch", "-cmd", ".timeout 5000", &self.url, statement])
            }
            Some(_) => command.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement, &self.url]),
        };
        let output =
            command.output().expect("these tests need `sqlite3` and `psql`: run tests/run");
        assert!(output.status.success(), "{statement}: {}", errors(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Adds a lamp; its key.
    pub fn lamp(&self, name: &str, answer: &str) -> String {
        let (name, answer) = (name.replace('\'', "''"), answer.replace('\'', "''"));
        self.sql(&format!(
            "INSERT INTO lamps (name, answer) VALUES ('{name}', '{answer}') RETURNING id"
        ))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(schema) = &self.schema {
            self.sql(&format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
