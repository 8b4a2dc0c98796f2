//! Where a database is, and how a connection to it is set up.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

use super::AnyConnection;
use crate::error::{Error, Result};

/// A parsed database URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An SQLite file.
    Sqlite(PathBuf),
}

/// Whether opening may make the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// It must be there.
    Existing,
    /// It is made when it is not there.
    Create,
}

/// Set on every SQLite connection. FULL: a commit survives the machine's death, not only the
/// process's. The waiting time covers other processes' transactions.
const SQLITE_SETUP: &str = "PRAGMA busy_timeout = 10000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -8000;";

impl DatabaseUrl {
    /// Reads `sqlite://PATH`, `sqlite:PATH` or a path.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |advice| Error::Url { url: crate::error::redact(url.to_owned()), advice };
        let path = match url.split_once(':') {
            Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
            Some(("postgres" | "postgresql", _)) => {
                return Err(wrong("PostgreSQL is not built in; write sqlite://PATH"));
            }
            Some((scheme, rest)) if rest.starts_with("//") && !scheme.contains('/') => {
                return Err(wrong("write sqlite://PATH"));
            }
            _ => url,
        };
        match path {
            "" => Err(wrong("the path is empty; write sqlite://PATH")),
            ":memory:" => {
                Err(wrong("every connection would see a database of its own; write sqlite://PATH"))
            }
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }

    /// The file of an SQLite database.
    pub fn file(&self) -> &Path {
        let Self::Sqlite(path) = self;
        path
    }

    /// Opens one connection.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn connect(&self, mode: OpenMode) -> Result<AnyConnection> {
        let failed = |reason: String| Error::Open { url: self.to_string(), reason };
        let Self::Sqlite(path) = self;
        match path.try_exists() {
            Ok(true) if path.is_dir() => return Err(failed("it is a folder, not a file".into())),
            Ok(true) => {}
            Ok(false) if mode == OpenMode::Existing => {
                return Err(failed(
                    "there is no such file; `migrate` makes it, or correct the path".into(),
                ));
            }
            Ok(false) if !parent_of(path).is_dir() => {
                return Err(failed(format!("there is no folder {}", parent_of(path).display())));
            }
            Ok(false) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let mut connection = SqliteConnection::establish(&path.to_string_lossy())
            .map_err(|error| failed(error.to_string()))?;
        connection
            .batch_execute(SQLITE_SETUP)
            .map_err(|error| failed(explain(&error.to_string())))?;
        Ok(AnyConnection::Sqlite(connection))
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Adds advice to what SQLite says when a file cannot be used.
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

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Sqlite(path) = self;
        write!(f, "sqlite://{}", path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_paths_name_files() {
        for (given, path) in [
            ("sqlite:///var/goal.db", "/var/goal.db"),
            ("sqlite://goal.db", "goal.db"),
            ("sqlite:goal.db", "goal.db"),
            ("./goal.db", "./goal.db"),
        ] {
            assert_eq!(DatabaseUrl::parse(given).unwrap(), DatabaseUrl::Sqlite(path.into()));
        }
    }

    #[test]
    fn what_is_no_database_is_refused_with_advice() {
        for (given, message) in [
            (
                "",
                "`` is not a database URL that this build knows: the path is empty; write sqlite://PATH",
            ),
            (
                "mysql://u:secret@h/x",
                "`mysql://u:***@h/x` is not a database URL that this build knows: write sqlite://PATH",
            ),
            (
                "sqlite://:memory:",
                "`sqlite://:memory:` is not a database URL that this build knows: every connection would \
                 see a database of its own; write sqlite://PATH",
            ),
        ] {
            assert_eq!(DatabaseUrl::parse(given).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn opening_never_makes_a_file_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("goal.db");
        let url = DatabaseUrl::Sqlite(path.clone());
        assert!(url.connect(OpenMode::Existing).is_err());
        assert!(!path.exists());
        assert!(url.connect(OpenMode::Create).is_ok());
        std::fs::write(&path, "this is no database, it is a text of some length").unwrap();
        let error = url.connect(OpenMode::Existing).err().unwrap().to_string();
        assert!(error.contains("the file is something else"), "{error}");
    }
}
