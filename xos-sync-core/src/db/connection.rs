//! One connection type for every engine.

/// A connection to the goal state's database. Diesel's queries run on it as on any other
/// connection; which engine is behind it was decided by the URL at run time.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// An SQLite file.
    Sqlite(diesel::SqliteConnection),
}

/// Diesel's backend type of [`AnyConnection`].
pub type AnyDb = <AnyConnection as diesel::Connection>::Backend;
