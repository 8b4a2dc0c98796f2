//! The framework's own errors.

use thiserror::Error as ThisError;

use super::{BackendError, RegistryError, sanitize};

/// What the framework's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong outside a step. Each message says what is wrong, where, and what to do.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The database's URL names no engine that this build knows.
    #[error("`{url}` is not a database URL that this build knows: {advice}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What to write instead.
        advice: &'static str,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {url}: {}", sanitize(.reason))]
    Open {
        /// The URL, without its password.
        url: String,
        /// What the engine said, and what to do about it.
        reason: String,
    },
    /// The database refused a query.
    #[error("the database refused: {}", sanitize(.0.to_string()))]
    Query(#[from] diesel::result::Error),
    /// A row that was asked for by its key is not there.
    #[error("{model} #{id} does not exist")]
    NoSuchRow {
        /// The model's name.
        model: &'static str,
        /// The key.
        id: i64,
    },
    /// Another process runs the same Synchronizer on the same SQLite file.
    #[error(
        "the Synchronizer {synchronizer} already runs on {file} in another process: stop that one first \
         (one process per Synchronizer and SQLite file; its lock is {lock})"
    )]
    AlreadyRunning {
        /// The Synchronizer.
        synchronizer: String,
        /// The database file.
        file: String,
        /// The lock file.
        lock: String,
    },
    /// The database has no tables, or older ones than the program.
    #[error("the database is not up to date: {0}; run the `migrate` command first")]
    Migration(String),
    /// The database differs from the models in a way that `migrate` leaves to a person.
    #[error("the database does not fit the models, and `migrate` leaves this to you: {0}")]
    Unfit(String),
    /// A migration could not be applied; the database is as it was before it.
    #[error("migration {name} failed and was rolled back: {}", sanitize(.reason))]
    MigrationFailed {
        /// Crate and number.
        name: String,
        /// What the database said.
        reason: String,
    },
    /// The linked or registered models and steps do not fit together.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A step's backend is not there.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// This process was silent for longer than its lease, and another one has its rows.
    #[error(
        "this process was silent for too long, and another one has the row by now; nothing was saved"
    )]
    StruckOut,
    /// A file or terminal operation failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and on what.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// An argument of a command names nothing.
    #[error("{0}")]
    Usage(String),
    /// The thread behind a connection is gone: the program is ending.
    #[error("the database connection is closed")]
    Closed,
}
