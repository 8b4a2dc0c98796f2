//! One connection type for every engine.

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("xos-sync-core needs an engine: turn on its feature `sqlite` or `postgres`");

/// A connection to the goal state's database. Diesel's queries run on it as on any other
/// connection; which engine is behind it was decided by the URL at run time.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// An SQLite file.
    #[cfg(feature = "sqlite")]
    Sqlite(diesel::SqliteConnection),
    /// A PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
}

/// Diesel's backend type of [`AnyConnection`].
pub type AnyDb = <AnyConnection as diesel::Connection>::Backend;

/// What kind of database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL, 13 or newer.
    Postgres,
}

impl AnyConnection {
    /// What is behind it.
    pub fn engine(&self) -> Engine {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

impl Engine {
    /// Text with `?` for each parameter, as the engine wants it. No `?` may stand elsewhere.
    pub(crate) fn parameters(self, text: &str) -> String {
        if self == Self::Sqlite {
            return text.to_owned();
        }
        let mut parts = text.split('?');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for (at, part) in parts.enumerate() {
            out.push('$');
            out.push_str(&(at + 1).to_string());
            out.push_str(part);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_where_the_engine_wants_it() {
        let text = "UPDATE t SET a = ?, b = ? WHERE c = ?";
        assert_eq!(Engine::Sqlite.parameters(text), text);
        assert_eq!(Engine::Postgres.parameters(text), "UPDATE t SET a = $1, b = $2 WHERE c = $3");
    }
}
