//! How a connection to an SQLite file is set up.

use std::path::Path;

use super::{AnyConnection, OpenMode};

/// Opens a connection; the reason and advice where that is not possible.
#[cfg(feature = "sqlite")]
pub(super) fn connect(path: &Path, mode: OpenMode) -> Result<AnyConnection, String> {
    use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

    check_path(path, mode)?;
    let mut connection =
        SqliteConnection::establish(&path.to_string_lossy()).map_err(|error| error.to_string())?;
    connection.batch_execute(SETUP).map_err(|error| explain(&error.to_string()))?;
    Ok(AnyConnection::Sqlite(connection))
}

#[cfg(not(feature = "sqlite"))]
pub(super) fn connect(_: &Path, _: OpenMode) -> Result<AnyConnection, String> {
    Err("SQLite is not built in: turn on the feature `sqlite` of xos-sync-core".into())
}

/// Set on every connection. FULL: a commit survives the machine's death, not only the
/// process's. The waiting time covers other processes' transactions.
#[cfg(feature = "sqlite")]
const SETUP: &str = "PRAGMA busy_timeout = 10000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -8000;";

#[cfg(feature = "sqlite")]
fn check_path(path: &Path, mode: OpenMode) -> Result<(), String> {
    match path.try_exists() {
        Ok(true) if path.is_dir() => Err("it is a folder, not a file".into()),
        Ok(true) => Ok(()),
        Ok(false) if mode == OpenMode::Existing => {
            Err("there is no such file; `migrate` makes it, or correct the path".into())
        }
        Ok(false) if !parent_of(path).is_dir() => {
            Err(format!("there is no folder {}", parent_of(path).display()))
        }
        Ok(false) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(feature = "sqlite")]
fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Adds advice to what SQLite says when a file cannot be used.
#[cfg(feature = "sqlite")]
fn explain(message: &str) -> String {
    let advice = if message.contains("not a database") {
        "; the file is something else: correct the path"
    } else if message.contains("readonly") {
        "; the file or its folder cannot be written by this user: change its mode or owner"
    } else if message.contains("locked") {
        "; another program has held it for more than 10 seconds: find it with `fuser`"
    } else {
        ""
    };
    format!("{message}{advice}")
}
