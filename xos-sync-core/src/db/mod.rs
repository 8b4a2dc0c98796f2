//! The goal state's database: one type for every engine, and the one bridge between diesel's
//! blocking connections and async code.

mod connection;
mod error_class;
mod file;
mod health;
mod held;
mod lock;
mod pool;
pub(crate) mod postgres;
mod session;
mod sqlite;
mod transaction;
mod url;
mod writer;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use diesel::QueryResult;
use tokio::sync::watch;

use crate::error::{Error, Result};

pub use connection::{AnyConnection, AnyDb, Engine};
pub use health::Trouble;
pub use lock::ProcessLock;
pub use url::{DatabaseUrl, OpenMode, ServerUrl};

pub(crate) use error_class::ErrorClass;

use health::Health;
use held::OnLock;
use pool::Pool;
use writer::{News, Source, Writer};

/// Connections at the most, unless it is said: reads of a few models at a time and authors'
/// queries, beside [`OWN`].
const CONNECTIONS: usize = 6;

/// Of these, one writes, and on a server one hears of changes.
const OWN: usize = 2;

/// How long a lock that is taken is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// The database. Cheap to clone; the connections are shared.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
    /// Who makes the framework's own writes through this handle.
    source: Source,
}

struct Inner {
    url: DatabaseUrl,
    connections: usize,
    pool: Pool,
    writer: Writer,
    health: Arc<Health>,
    /// Handed out so far.
    synchronizers: AtomicU64,
}

impl Db {
    /// Opens the database at `url`: `sqlite://PATH`, a path alone, or
    /// `postgres://USER@HOST/DATABASE` (see [`DatabaseUrl::parse`]).
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Open`].
    pub async fn open(url: &str, mode: OpenMode) -> Result<Self> {
        Self::open_with(url, mode, CONNECTIONS).await
    }

    /// As [`Db::open`], with at most this many connections at once in place of 6.
    ///
    /// # Errors
    /// As [`Db::open`], and [`Error::Usage`] for fewer than 3: one connection writes, and on a server
    /// one receives notifications.
    pub async fn open_with(url: &str, mode: OpenMode, connections: usize) -> Result<Self> {
        if connections <= OWN {
            let least = OWN + 1;
            return Err(Error::Usage(format!(
                "{connections} connections are too few: a database needs at least {least}"
            )));
        }
        let url = DatabaseUrl::parse(url)?;
        let (for_writer, health) = (url.clone(), Arc::new(Health::default()));
        let for_health = health.clone();
        let writer = blocking(move || {
            let connection = for_writer.connect_first(mode)?;
            Writer::start(for_writer, connection, for_health).map_err(|source| Error::Io {
                what: "cannot start the database thread".into(),
                source,
            })
        })
        .await??;
        let pool = Pool::new(url.clone(), connections - OWN, health.clone());
        let synchronizers = AtomicU64::new(0);
        let inner = Inner { url, connections, pool, writer, health, synchronizers };
        Ok(Self { inner: Arc::new(inner), source: Source::Anybody })
    }

    /// A handle for one Synchronizer, which its own writes do not wake.
    pub(crate) fn for_synchronizer(&self) -> Self {
        let number = self.inner.synchronizers.fetch_add(1, Ordering::Relaxed);
        Self { inner: self.inner.clone(), source: Source::Synchronizer(number) }
    }

    /// Where the database is, without its password.
    pub fn url(&self) -> &DatabaseUrl {
        &self.inner.url
    }

    /// Connections at once, at the most.
    pub fn connections(&self) -> usize {
        self.inner.connections
    }

    /// Whether all connections are in use, and somebody waits for one.
    pub(crate) fn is_crowded(&self) -> bool {
        self.inner.pool.is_crowded()
    }

    /// What kind of database it is.
    pub fn engine(&self) -> Engine {
        self.inner.url.engine()
    }

    /// What is wrong with the database as a whole: its server takes no writes or is out of reach, or
    /// its file is gone. It is looked for every few seconds, and connections are opened again.
    pub fn trouble(&self) -> Option<Trouble> {
        self.inner.health.trouble()
    }

    /// The same, and what goes wrong without stopping the work.
    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        let health = &self.inner.health;
        health.trouble().into_iter().chain(health.queue_trouble()).collect()
    }

    /// Why the database takes no writes just now, if it takes none.
    ///
    /// # Errors
    /// What the database answered.
    pub(crate) async fn refuses_writes(&self) -> Result<Option<String>> {
        // A file that cannot be written is not opened at all.
        if self.engine() == Engine::Sqlite || self.run(session::takes_writes).await? {
            return Ok(None);
        }
        let why = "the database takes no writes: the server is a standby, or default_transaction_read_only is on";
        Ok(Some(why.into()))
    }

    /// What all of its connections depend on.
    #[cfg(feature = "postgres")]
    pub(crate) fn health(&self) -> &Health {
        &self.inner.health
    }

    /// What an error of this database is about.
    pub(crate) fn class_of(&self, error: &diesel::result::Error) -> ErrorClass {
        ErrorClass::of(error, self.inner.writer.messages())
    }

    /// Runs queries on a connection of the pool, off the async threads.
    ///
    /// # Errors
    /// What the database answered.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        self.with(move |connection| Ok(work(connection)?)).await
    }

    /// Writes in a transaction that is on disk when this returns. What many tasks write at the
    /// same time is committed together.
    ///
    /// A row that another program holds is waited for, for some seconds, beside the writes of others.
    ///
    /// `work` runs again from the start when somebody else's part of the common transaction
    /// fails, so it must not do anything but query.
    ///
    /// # Errors
    /// What the database answered; nothing of `work` is applied then.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        self.inner.writer.write(work, Source::Anybody, OnLock::Wait).await
    }

    /// As [`Db::write`], for the framework's own writes: they do not wake their Synchronizer.
    pub(crate) async fn write_quietly<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        self.inner.writer.write(work, self.source, OnLock::Fail).await
    }

    /// As [`Db::write_quietly`], for what is to be written although somebody holds its rows for a
    /// moment.
    pub(crate) async fn write_patiently<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        self.inner.writer.write(work, self.source, OnLock::Wait).await
    }

    /// Runs work that looks after its transactions itself, on a connection of the pool.
    pub(crate) async fn with<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    {
        let mut pooled = self.inner.pool.get().await?;
        blocking(move || pooled.work(work)).await?
    }

    /// The commits of others from now on: other programs', other Synchronizers', and what this
    /// program writes by [`Db::write`] or on its own connections.
    pub(crate) fn others_commits(&self) -> OthersCommits {
        let news = self.inner.writer.changes();
        let mut commits = OthersCommits { news, own: self.source, seen: 0 };
        commits.seen = commits.count();
        commits
    }

    /// Takes the right to run this Synchronizer on this SQLite file, until the value is dropped
    /// or the process ends, however it ends; `None` on a server, where processes share the
    /// work. A process that is just ending is waited for.
    ///
    /// # Errors
    /// [`Error::AlreadyRunning`].
    pub async fn lock(&self, synchronizer: &str) -> Result<Option<ProcessLock>> {
        let DatabaseUrl::Sqlite(file) = &self.inner.url else { return Ok(None) };
        let begun = std::time::Instant::now();
        loop {
            match ProcessLock::take(file, synchronizer) {
                Err(Error::AlreadyRunning { .. }) if begun.elapsed() < LOCK_PATIENCE => {
                    tokio::time::sleep(LOCK_PATIENCE / 50).await;
                }
                taken => return taken.map(Some),
            }
        }
    }
}

impl Db {
    /// Whether a Synchronizer runs on this SQLite file; always on a server, where leases tell.
    pub(crate) fn may_run(&self, synchronizer: &str) -> bool {
        match &self.inner.url {
            DatabaseUrl::Sqlite(file) => ProcessLock::is_taken(file, synchronizer),
            DatabaseUrl::Postgres(_) => true,
        }
    }
}

/// Notices others' commits. Latched: one that comes while nobody waits is seen by the next wait.
pub(crate) struct OthersCommits {
    news: watch::Receiver<News>,
    own: Source,
    seen: u64,
}

impl OthersCommits {
    /// Waits for one. Cancel safe.
    pub(crate) async fn next(&mut self) {
        loop {
            let count = self.count();
            if count != self.seen {
                self.seen = count;
                return;
            }
            if self.news.changed().await.is_err() {
                // The thread is gone: the program is ending.
                std::future::pending::<()>().await;
            }
        }
    }

    fn count(&mut self) -> u64 {
        let news = self.news.borrow_and_update();
        news.iter()
            .filter(|(source, _)| **source == Source::Anybody || **source != self.own)
            .map(|(_, count)| count)
            .sum()
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.inner.url.to_string()).finish()
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    // A panic in a query closure is the caller's; the connection is dropped with it.
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Closed)
}
