//! The connection that writes. It is opened again when it is lost, and when it leads to a server
//! that takes no writes or to a file that is not the database any more; then all the others are too.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    result::{DatabaseErrorKind, Error as DieselError},
    sql_query,
    sql_types::Text,
};
use tokio::sync::watch;

use super::{
    AnyConnection, DatabaseUrl, Engine, OpenMode,
    error_class::{ErrorClass, Messages},
    file::{FileState, OpenFile},
    health::Health,
    postgres,
    transaction::{PATIENCE, TransactionId, has_committed, is_alive},
};

/// How often a server is asked what became of a transaction, and for how long.
const DOUBT: Duration = Duration::from_millis(200);
const LONGEST_DOUBT: Duration = Duration::from_secs(600);

/// How often the session is checked, and how often while the database has trouble.
const CHECK_EVERY: Duration = Duration::from_secs(2);
const CHECK_TROUBLE_EVERY: Duration = Duration::from_millis(500);

/// How often a session is opened again at the most because the server takes no writes.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

const READ_ONLY: &str = "the database refuses every write: the server is a standby, or \
     default_transaction_read_only is on, or the file cannot be written; it is opened again until it \
     takes writes (a URL may name several servers: postgres://A,B/DATABASE?target_session_attrs=read-write)";

pub(super) struct WriterSession {
    url: DatabaseUrl,
    /// None while the server is away.
    connection: Option<AnyConnection>,
    /// Since when it has been.
    away: Option<Instant>,
    opened: Instant,
    checked: Instant,
    file: Option<OpenFile>,
    /// In which language the database answers.
    language: watch::Sender<Messages>,
    health: Arc<Health>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    answer: String,
}

impl WriterSession {
    pub(super) fn new(url: DatabaseUrl, connection: AnyConnection, health: Arc<Health>) -> Self {
        let language = watch::Sender::new(Messages::of(connection.engine()));
        let now = Instant::now();
        let mut session = Self {
            url,
            connection: Some(connection),
            away: None,
            opened: now,
            checked: now,
            file: None,
            language,
            health,
        };
        session.prepare();
        session
    }

    pub(super) fn language(&self) -> watch::Receiver<Messages> {
        self.language.subscribe()
    }

    pub(super) fn messages(&self) -> Messages {
        *self.language.borrow()
    }

    pub(super) fn class_of(&self, error: &DieselError) -> ErrorClass {
        ErrorClass::of(error, self.messages())
    }

    pub(super) fn queue_is_full(&self) {
        self.health.queue_is_full();
    }

    /// The connection, if there is one just now.
    pub(super) fn current(&mut self) -> Option<&mut AnyConnection> {
        self.connection.as_mut()
    }

    /// The connection. A server that is just being restarted is waited for, but only once: then
    /// the writes fail until it is back.
    pub(super) fn connection(&mut self) -> QueryResult<&mut AnyConnection> {
        let mut wait = Duration::from_millis(50);
        loop {
            self.check_file()?;
            if self.connection.is_some() {
                break;
            }
            let since = *self.away.get_or_insert_with(Instant::now);
            match self.url.connect(OpenMode::Existing) {
                Ok(connection) => {
                    self.connection = Some(connection);
                    self.opened = Instant::now();
                    self.prepare();
                    self.health.replace_connections();
                }
                Err(_) if since.elapsed() < PATIENCE => {
                    thread::sleep(wait);
                    wait = (wait * 2).min(PATIENCE / 5);
                }
                Err(error) => {
                    if !self.health.is_troubled() {
                        self.health.failed(error.to_string());
                    }
                    return Err(closed(error.to_string()));
                }
            }
        }
        self.away = None;
        self.connection.as_mut().ok_or(DieselError::NotInTransaction)
    }

    /// A transaction has failed: is the session still of use?
    pub(super) fn failed(&mut self, error: &DieselError) {
        if self.class_of(error) == ErrorClass::ReadOnly {
            self.health.failed(READ_ONLY);
            if self.opened.elapsed() >= REOPEN_EVERY {
                self.connection = None;
            }
        }
        if let Some(connection) = self.connection.as_mut()
            && connection.engine() == Engine::Postgres
            && !is_alive(connection)
        {
            self.connection = None;
        }
    }

    pub(super) fn lost(&mut self) {
        self.connection = None;
    }

    /// Looks, when it is time to, whether the session still leads to the database, and whether trouble
    /// is over.
    pub(super) fn check(&mut self) {
        if self.check_file().is_err() {
            return;
        }
        let (is_troubled, engine) = (self.health.is_troubled(), self.url.engine());
        let every = if is_troubled { CHECK_TROUBLE_EVERY } else { CHECK_EVERY };
        let has_lost_file = engine == Engine::Sqlite && self.connection.is_none();
        if self.checked.elapsed() < every && !has_lost_file {
            return;
        }
        if engine == Engine::Postgres && is_troubled {
            // A new session may lead to another server.
            self.connection = None;
        }
        if engine == Engine::Postgres || is_troubled || has_lost_file {
            match self.connection().and_then(takes_writes) {
                Ok(true) => self.health.recovered(),
                Ok(false) => self.health.failed(READ_ONLY),
                Err(_) => self.connection = None,
            }
        }
        self.checked = Instant::now();
    }

    /// Before each use, so that nothing is written into a file that is not the database any more.
    fn check_file(&mut self) -> QueryResult<()> {
        if let (true, Some(trouble)) = (self.health.is_sealed(), self.health.trouble()) {
            return Err(closed(trouble.message));
        }
        let (Some(file), DatabaseUrl::Sqlite(path)) = (self.file.as_mut(), &self.url) else {
            return Ok(());
        };
        let path = path.display();
        match file.look() {
            FileState::Same => {}
            FileState::Gone => {
                self.health.failed(format!("the database file {path} is gone: put it back"));
                self.connection = None;
            }
            FileState::Replaced => {
                self.health
                    .failed(format!("the database file {path} was replaced: it is opened again"));
                file.set_log_aside();
                self.connection = None;
                self.file = None;
            }
            FileState::Overwritten => {
                let message = format!(
                    "the database file {path} was written over while it was open (its file {path}-wal is \
                     another one): stop this program, restore the file again, and start it; a running \
                     program takes a file that is moved there by `mv`, or `sqlite3 {path} \".restore FILE\"`"
                );
                self.health.seal(&message);
                // To close it would write what is in its old log into the new file.
                std::mem::forget(self.connection.take());
                return Err(closed(message));
            }
        }
        Ok(())
    }

    fn prepare(&mut self) {
        let Some(connection) = self.connection.as_mut() else { return };
        if let DatabaseUrl::Sqlite(path) = &self.url {
            self.file = Some(OpenFile::new(path));
            return;
        }
        // On a server, nobody's lock is waited for long by the connection that writes for all; nor so
        // long that somebody else's statement would be given up for a deadlock.
        let prepared = connection
            .batch_execute("SET lock_timeout = '100ms'")
            .and_then(|()| postgres::messages(connection));
        match prepared {
            Ok(messages) => self.set_language(messages),
            Err(_) => self.connection = None,
        }
    }

    fn set_language(&self, messages: Messages) {
        if self.language.send_replace(messages) != messages && messages == Messages::Translated {
            tracing::warn!(
                "the database answers in a language other than English, so that errors of locks, of \
                 space and of triggers look alike: all of them are tried again; let an administrator run \
                 `ALTER ROLE … SET lc_messages = 'C'`, or `GRANT SET ON PARAMETER lc_messages TO …`"
            );
        }
    }

    /// Asks until there is an answer: to write anything before would be to write it twice.
    pub(super) fn has_committed(&mut self, transaction: &TransactionId) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST_DOUBT {
            let asked = self.connection().and_then(|conn| has_committed(conn, transaction));
            match asked {
                Ok(Some(committed)) => {
                    tracing::info!(
                        committed,
                        "the database went away before it answered; asked again"
                    );
                    return committed;
                }
                Ok(None) => {}
                Err(_) => self.connection = None,
            }
            thread::sleep(DOUBT);
        }
        tracing::error!(
            "the database does not come back: whether the last write is there is not known"
        );
        false
    }
}

pub(super) fn takes_writes(connection: &mut AnyConnection) -> QueryResult<bool> {
    match connection.engine() {
        Engine::Sqlite => match connection.batch_execute("BEGIN IMMEDIATE; ROLLBACK") {
            Ok(()) => Ok(true),
            Err(error) if ErrorClass::of(&error, Messages::Sqlite) == ErrorClass::ReadOnly => {
                Ok(false)
            }
            Err(error) => Err(error),
        },
        Engine::Postgres => {
            let query = "SELECT current_setting('transaction_read_only') AS answer";
            Ok(sql_query(query).get_result::<Answer>(connection)?.answer == "off")
        }
    }
}

fn closed(message: String) -> DieselError {
    DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(message))
}
