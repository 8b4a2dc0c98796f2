//! Brings the database's tables up to what the linked models say.
//!
//! A crate's numbered SQL files ([`migrations!`](crate::migrations)) come first, each once and
//! in order. Then tables that still lack are made from the models' own descriptions, columns
//! that can be added without a question (optional, or with a default) are added, and indexes
//! and triggers are laid down anew where they differ: they always follow from the models, so
//! no file has to repeat them.
//!
//! **Invariant:** each file, and all that follows from the models together, is one transaction.

mod apply;
mod columns;
mod ddl;
mod declared;
mod framework;
mod schema;

use crate::{
    db::{Db, Engine},
    error::Result,
    registry::Registry,
};

pub use ddl::create_table;

/// A crate's numbered SQL files, linked in with [`migrations!`](crate::migrations).
pub struct Migrations {
    /// The crate.
    pub crate_name: &'static str,
    /// Names and SQL, in order.
    pub files: &'static [(&'static str, Content)],
}

/// A file's SQL, in the engine's words.
pub type Content = fn(Engine) -> &'static str;

inventory::collect!(Migrations);

/// Links this crate's numbered SQL files, from its folder `migrations/sqlite`, and from
/// `migrations/postgres` where that engine is built in.
///
/// ```
/// # macro_rules! migrations { [$($name:literal),+] => {} }
/// migrations!["0001_initial", "0002_owners"];
/// ```
#[macro_export]
macro_rules! migrations {
    [$($name:literal),+ $(,)?] => {
        $crate::__private::inventory::submit! {
            $crate::migrate::Migrations {
                crate_name: ::std::env!("CARGO_CRATE_NAME"),
                files: &[$((
                    $name,
                    |engine| match engine {
                        $crate::db::Engine::Sqlite => $crate::__sqlite_file!($name),
                        $crate::db::Engine::Postgres => $crate::__postgres_file!($name),
                    },
                )),+],
            }
        }
    };
}

/// A numbered file, where its engine is built in.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "sqlite")]
macro_rules! __sqlite_file {
    ($name:literal) => {
        ::std::include_str!(::std::concat!(
            ::std::env!("CARGO_MANIFEST_DIR"),
            "/migrations/sqlite/",
            $name,
            ".sql"
        ))
    };
}

/// A numbered file, where its engine is built in.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "sqlite"))]
macro_rules! __sqlite_file {
    ($name:literal) => {
        ""
    };
}

/// A numbered file, where its engine is built in.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "postgres")]
macro_rules! __postgres_file {
    ($name:literal) => {
        ::std::include_str!(::std::concat!(
            ::std::env!("CARGO_MANIFEST_DIR"),
            "/migrations/postgres/",
            $name,
            ".sql"
        ))
    };
}

/// A numbered file, where its engine is built in.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "postgres"))]
macro_rules! __postgres_file {
    ($name:literal) => {
        ""
    };
}

/// Brings the database up to date; what was done, a line each.
///
/// # Errors
/// [`Error::Unfit`](crate::error::Error::Unfit) with the rows or the column that a person must change
/// first, [`Error::MigrationFailed`](crate::error::Error::MigrationFailed) with what the database said.
pub async fn migrate(db: &Db, registry: &Registry) -> Result<Vec<String>> {
    let models: Vec<_> = registry.models().collect();
    db.with(move |conn| apply::migrate(conn, &models)).await
}

/// Whether the database is up to date.
///
/// # Errors
/// [`Error::Migration`](crate::error::Error::Migration) with the first thing that is missing,
/// [`Error::Unfit`](crate::error::Error::Unfit) where `migrate` cannot help.
pub async fn check(db: &Db, registry: &Registry) -> Result<()> {
    let models: Vec<_> = registry.models().collect();
    db.with(move |conn| apply::check(conn, &models)).await
}

#[cfg(test)]
mod tests;
