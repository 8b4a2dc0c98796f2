//! PURE: the class of a database error, as SQLSTATE and SQLite's result codes define it.
//!
//! diesel maps some SQLSTATEs to a [`DatabaseErrorKind`] and hides the others, and it hides most of
//! SQLite's result codes. The tables below close the gap. They compare whole messages:
//!
//! * SQLite: its messages are constants of the library and are never translated.
//! * PostgreSQL: its messages are translated by `lc_messages`. The untranslated message is the key of
//!   the server's own translation catalogue, so it identifies the error like a code does. Every
//!   connection asks for untranslated messages. Where the role may not do that, a message that is not in
//!   the table says nothing, and the class is [`ErrorClass::Unknown`], which never ends a row.
//!
//! With <https://github.com/diesel-rs/diesel/pull/5232> this becomes one look at the SQLSTATE.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::Engine;

/// What a database error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Another transaction has a lock that is needed, or wrote the row first (55P03, 40P01, 40001;
    /// `SQLITE_BUSY`, `SQLITE_LOCKED`).
    Lock,
    /// The session refuses every write (25006; `SQLITE_READONLY`).
    ReadOnly,
    /// The connection is lost (class 08, 57P01 to 57P05).
    Connection,
    /// The notification queue is full (54000 of `NOTIFY`).
    NotifyQueueFull,
    /// The database has other trouble than this statement: cancelled, no memory, no disk space, an I/O
    /// error (57014, classes 53 and 58; `SQLITE_FULL`, `SQLITE_IOERR`, …).
    Database,
    /// The database refuses this statement for what it says: a constraint, a trigger, a value, a right.
    Statement,
    /// The message is in a language that is not known here: any of these.
    Unknown,
}

/// In which language a database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Messages {
    /// SQLite's constants.
    Sqlite,
    /// PostgreSQL, not translated.
    Untranslated,
    /// PostgreSQL, in the language of `lc_messages`.
    Translated,
}

impl Messages {
    /// Those of an engine, if nothing else is known.
    pub(super) fn of(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite,
            Engine::Postgres => Self::Untranslated,
        }
    }

    /// Those of a PostgreSQL session with this `lc_messages`. PostgreSQL has no translation to English.
    #[cfg(any(feature = "postgres", test))]
    pub(super) fn of_locale(lc_messages: &str) -> Self {
        let language = lc_messages.split(['.', '@', '_']).next().unwrap_or_default();
        if matches!(language, "C" | "POSIX" | "en" | "English") {
            Self::Untranslated
        } else {
            Self::Translated
        }
    }
}

/// SQLite's messages, by `sqlite3_errstr` and `sqlite3_errmsg`.
const SQLITE: [(&str, ErrorClass); 16] = [
    ("database is locked", ErrorClass::Lock),
    ("database table is locked", ErrorClass::Lock),
    ("database schema is locked", ErrorClass::Lock),
    ("locking protocol", ErrorClass::Lock),
    ("attempt to write a readonly database", ErrorClass::ReadOnly),
    ("disk I/O error", ErrorClass::Database),
    ("database disk image is malformed", ErrorClass::Database),
    ("database or disk is full", ErrorClass::Database),
    ("unable to open database file", ErrorClass::Database),
    ("file is not a database", ErrorClass::Database),
    ("out of memory", ErrorClass::Database),
    ("interrupted", ErrorClass::Database),
    ("query aborted", ErrorClass::Database),
    ("access permission denied", ErrorClass::Database),
    ("database schema has changed", ErrorClass::Database),
    ("large file support is disabled", ErrorClass::Database),
];

/// SQLite's messages that name an object after these words.
const SQLITE_PREFIXES: [(&str, ErrorClass); 3] = [
    ("database table is locked: ", ErrorClass::Lock),
    ("database schema is locked: ", ErrorClass::Lock),
    ("vtable constructor failed: ", ErrorClass::Database),
];

/// PostgreSQL's untranslated messages of the SQLSTATEs that diesel hides.
const POSTGRES: [(&str, ErrorClass); 14] = [
    // 55P03
    ("canceling statement due to lock timeout", ErrorClass::Lock),
    // 40P01
    ("deadlock detected", ErrorClass::Lock),
    ("canceling statement due to conflict with recovery", ErrorClass::Lock),
    // 54000
    ("too many notifications in the NOTIFY queue", ErrorClass::NotifyQueueFull),
    // 57014
    ("canceling statement due to statement timeout", ErrorClass::Database),
    ("canceling statement due to user request", ErrorClass::Database),
    ("canceling autovacuum task", ErrorClass::Database),
    // 53200
    ("out of memory", ErrorClass::Database),
    ("out of shared memory", ErrorClass::Database),
    // 53300
    ("sorry, too many clients already", ErrorClass::Database),
    // 57P01 to 57P05 close the connection, which diesel sees.
    ("terminating connection due to administrator command", ErrorClass::Connection),
    ("terminating connection due to idle-in-transaction timeout", ErrorClass::Connection),
    ("terminating connection due to idle-session timeout", ErrorClass::Connection),
    ("database is not accepting commands to avoid wraparound data loss", ErrorClass::Database),
];

/// PostgreSQL's untranslated messages that name an object after these words.
const POSTGRES_PREFIXES: [(&str, ErrorClass); 19] = [
    // 55P03
    ("could not obtain lock on ", ErrorClass::Lock),
    // Classes 53 and 58: files, disk and memory.
    ("could not extend file ", ErrorClass::Database),
    ("could not write ", ErrorClass::Database),
    ("could not read ", ErrorClass::Database),
    ("could not open ", ErrorClass::Database),
    ("could not create file ", ErrorClass::Database),
    ("could not create directory ", ErrorClass::Database),
    ("could not create temporary ", ErrorClass::Database),
    ("could not fsync ", ErrorClass::Database),
    ("could not truncate ", ErrorClass::Database),
    ("could not seek ", ErrorClass::Database),
    ("could not access ", ErrorClass::Database),
    ("could not resize shared memory segment", ErrorClass::Database),
    ("could not load library ", ErrorClass::Database),
    ("could not fork ", ErrorClass::Database),
    ("temporary file size exceeds ", ErrorClass::Database),
    ("database is not accepting commands ", ErrorClass::Database),
    ("invalid page in block ", ErrorClass::Database),
    ("unexpected data beyond EOF ", ErrorClass::Database),
];

impl ErrorClass {
    /// The class of an error of a session that answers in this language.
    pub(super) fn of(error: &DieselError, messages: Messages) -> Self {
        let (kind, information) = match error {
            DieselError::DatabaseError(kind, information) => (kind, information),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => {
                return Self::of(commit_error, messages);
            }
            DieselError::AlreadyInTransaction
            | DieselError::NotInTransaction
            | DieselError::BrokenTransactionManager => return Self::Connection,
            _ => return Self::Statement,
        };
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Lock,
            DatabaseErrorKind::ReadOnlyTransaction => Self::ReadOnly,
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Connection
            }
            DatabaseErrorKind::Unknown => Self::of_message(information.message(), messages),
            // Class 23.
            _ => Self::Statement,
        }
    }

    fn of_message(message: &str, messages: Messages) -> Self {
        let (whole, prefixes, otherwise): (&[_], &[_], _) = match messages {
            Messages::Sqlite => (&SQLITE, &SQLITE_PREFIXES, Self::Statement),
            Messages::Untranslated => (&POSTGRES, &POSTGRES_PREFIXES, Self::Statement),
            Messages::Translated => (&POSTGRES, &POSTGRES_PREFIXES, Self::Unknown),
        };
        let same = whole.iter().find(|(text, _)| *text == message);
        let begins = || prefixes.iter().find(|(text, _)| message.starts_with(text));
        same.or_else(begins).map_or(otherwise, |(_, class)| *class)
    }

    /// Whether the same statement can succeed within some seconds.
    pub(super) fn may_pass_soon(self) -> bool {
        self.may_be_a_lock() || self == Self::ReadOnly
    }

    /// Whether the same statement can succeed a moment later because a lock is free then.
    pub(crate) fn may_be_a_lock(self) -> bool {
        matches!(self, Self::Lock | Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(kind: DatabaseErrorKind, message: &str, messages: Messages) -> ErrorClass {
        let error = DieselError::DatabaseError(kind, Box::new(message.to_owned()));
        ErrorClass::of(&error, messages)
    }

    #[test]
    fn a_kind_that_diesel_knows_needs_no_message() {
        use DatabaseErrorKind as Kind;
        for messages in [Messages::Sqlite, Messages::Untranslated, Messages::Translated] {
            for (kind, expected) in [
                (Kind::UniqueViolation, ErrorClass::Statement),
                (Kind::ForeignKeyViolation, ErrorClass::Statement),
                (Kind::NotNullViolation, ErrorClass::Statement),
                (Kind::CheckViolation, ErrorClass::Statement),
                (Kind::ExclusionViolation, ErrorClass::Statement),
                (Kind::RestrictViolation, ErrorClass::Statement),
                (Kind::SerializationFailure, ErrorClass::Lock),
                (Kind::ReadOnlyTransaction, ErrorClass::ReadOnly),
                (Kind::ClosedConnection, ErrorClass::Connection),
                (Kind::UnableToSendCommand, ErrorClass::Connection),
            ] {
                assert_eq!(class(kind, "deadlock detected", messages), expected);
            }
        }
    }

    #[test]
    fn a_translated_message_ends_no_row() {
        let message = "storniere Anfrage wegen Zeitüberschreitung einer Sperre";
        let of = |messages| class(DatabaseErrorKind::Unknown, message, messages);
        assert_eq!(of(Messages::Translated), ErrorClass::Unknown);
        assert!(of(Messages::Translated).may_be_a_lock());
        assert_eq!(of(Messages::Untranslated), ErrorClass::Statement);
    }

    #[test]
    fn words_inside_a_message_of_a_trigger_decide_nothing() {
        for message in ["field 7 is locked by deadlock detected", "the barn is full", "read-only"] {
            for messages in [Messages::Sqlite, Messages::Untranslated] {
                let class = class(DatabaseErrorKind::Unknown, message, messages);
                assert_eq!(class, ErrorClass::Statement, "{message}");
            }
        }
    }

    #[test]
    fn only_english_is_not_translated() {
        for locale in
            ["C", "POSIX", "C.UTF-8", "en_US.UTF-8", "en_GB", "en", "English_United States"]
        {
            assert_eq!(Messages::of_locale(locale), Messages::Untranslated, "{locale}");
        }
        for locale in ["", "de_DE.UTF-8", "ja_JP", "German_Germany.1252", "env"] {
            assert_eq!(Messages::of_locale(locale), Messages::Translated, "{locale}");
        }
    }
}
