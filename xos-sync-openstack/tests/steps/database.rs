//! A database for each test: a file, or a schema of the server that `tests/run` has started.

use std::path::Path;
use std::process::Command;

/// An empty database. A schema goes when this is dropped.
pub(crate) struct Database {
    pub(crate) url: String,
    schema: Option<String>,
}

impl Database {
    /// A file in this folder.
    pub(crate) fn file(folder: &Path) -> Self {
        Self { url: folder.join("goal.db").display().to_string(), schema: None }
    }

    /// A schema of this name.
    pub(crate) fn schema(name: &str) -> Self {
        let database = Self {
            url: format!("{}?options=-csearch_path%3D%22{name}%22", server()),
            schema: Some(name.to_owned()),
        };
        psql(&format!("CREATE SCHEMA \"{name}\""));
        database
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(schema) = self.schema.take() {
            psql(&format!("DROP SCHEMA \"{schema}\" CASCADE"));
        }
    }
}

fn psql(statement: &str) {
    let mut psql = Command::new("psql");
    psql.args(["-qX", "-v", "ON_ERROR_STOP=1", "-c", statement, &server()]);
    // What a DROP takes along is said otherwise.
    let status = psql.env("PGOPTIONS", "-cclient_min_messages=warning").status();
    assert!(status.expect("this test needs `psql`: run tests/run").success(), "{statement}");
}

/// The server's database.
fn server() -> String {
    std::env::var("XOS_TEST_POSTGRES").expect(
        "this test needs a PostgreSQL server: start it by tests/run, or set XOS_TEST_POSTGRES to what \
         `tests/services/postgres start DIR` prints",
    )
}
