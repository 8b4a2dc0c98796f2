//! Where a database is.

use std::{fmt, path::PathBuf};

use super::{AnyConnection, Engine, postgres, sqlite};
use crate::error::{Error, Result, redact};

/// A parsed database URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as libpq reads it.
    Postgres(ServerUrl),
}

/// The URL of a server. Never shows its password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

/// Whether opening may make the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// It must be there.
    Existing,
    /// An SQLite file is made when it is not there.
    Create,
}

impl DatabaseUrl {
    /// Reads `sqlite://PATH`, `sqlite:PATH`, a path, or `postgres://USER@HOST/DATABASE` with
    /// any parameter of libpq's (`?sslmode=verify-full&sslrootcert=…`).
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |advice| Error::Url { url: redact(url.to_owned()), advice };
        let path = match url.split_once(':') {
            Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
            Some(("postgres" | "postgresql", _)) if cfg!(not(feature = "postgres")) => {
                return Err(wrong(
                    "PostgreSQL is not built in: turn on the feature `postgres` of xos-sync-core, or write \
                     sqlite://PATH",
                ));
            }
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                return Ok(Self::Postgres(ServerUrl(url.to_owned())));
            }
            Some(("postgres" | "postgresql", _)) => {
                return Err(wrong("write postgres://USER@HOST/DATABASE"));
            }
            Some((scheme, rest)) if rest.starts_with("//") && !scheme.contains('/') => {
                return Err(wrong("write sqlite://PATH or postgres://USER@HOST/DATABASE"));
            }
            _ => url,
        };
        match path {
            "" => Err(wrong("the path is empty; write sqlite://PATH")),
            ":memory:" => {
                Err(wrong("every connection would see a database of its own; write sqlite://PATH"))
            }
            _ if cfg!(not(feature = "sqlite")) => Err(wrong(
                "SQLite is not built in: turn on the feature `sqlite` of xos-sync-core, or write \
                 postgres://USER@HOST/DATABASE",
            )),
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }

    /// What kind of database it is.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Opens one connection.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn connect(&self, mode: OpenMode) -> Result<AnyConnection> {
        match self {
            Self::Sqlite(path) => sqlite::connect(path, mode),
            Self::Postgres(url) => postgres::connect(url.reveal()),
        }
        .map_err(|reason| Error::Open { url: self.to_string(), reason })
    }
}

impl DatabaseUrl {
    /// Opens the first connection, and looks whether connections have sessions of their own.
    pub(super) fn connect_first(&self, mode: OpenMode) -> Result<AnyConnection> {
        match self {
            Self::Sqlite(_) => self.connect(mode),
            Self::Postgres(url) => postgres::connect_first(url.reveal())
                .map_err(|reason| Error::Open { url: self.to_string(), reason }),
        }
    }
}

impl ServerUrl {
    /// The URL with its password, for the call that needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(self.0.clone()))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[cfg(feature = "postgres")]
    #[test]
    fn a_server_is_shown_without_its_password() {
        let url = DatabaseUrl::parse("postgres://me:s3cret@h:5/d?password=s3cret&sslmode=require");
        let url = url.unwrap();
        assert_eq!(url.to_string(), "postgres://me:***@h:5/d?password=***&sslmode=require");
        assert!(!format!("{url:?}").contains("s3cret"));
    }

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
                "`mysql://u:***@h/x` is not a database URL that this build knows: write sqlite://PATH or \
                 postgres://USER@HOST/DATABASE",
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
