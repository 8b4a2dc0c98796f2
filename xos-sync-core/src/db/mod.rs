//! The goal state's database: one type for every engine, and the one bridge between diesel's
//! blocking connections and async code.

mod connection;
mod lock;
mod pool;
mod url;
mod writer;

use std::{fmt, sync::Arc};

use diesel::QueryResult;
use tokio::sync::watch;

use crate::error::{Error, Result};

pub use connection::{AnyConnection, AnyDb};
pub use lock::ProcessLock;
pub use url::{DatabaseUrl, OpenMode};

use pool::Pool;
use writer::{Wakes, Writer};

/// The database. Cheap to clone; the connections are shared.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    url: DatabaseUrl,
    pool: Pool,
    writer: Writer,
}

impl Db {
    /// Opens the database at `url`: `sqlite://PATH`, or a path alone.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Open`].
    pub async fn open(url: &str, mode: OpenMode) -> Result<Self> {
        let url = DatabaseUrl::parse(url)?;
        let for_writer = url.clone();
        let writer = blocking(move || {
            let connection = for_writer.connect(mode)?;
            Writer::start(connection).map_err(|source| Error::Io {
                what: "cannot start the database thread".into(),
                source,
            })
        })
        .await??;
        let pool = Pool::new(url.clone());
        Ok(Self { inner: Arc::new(Inner { url, pool, writer }) })
    }

    /// Where the database is, without its password.
    pub fn url(&self) -> &DatabaseUrl {
        &self.inner.url
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
        let mut connection = self.inner.pool.get().await?;
        Ok(blocking(move || work(&mut connection)).await??)
    }

    /// Writes in a transaction that is on disk when this returns. What many tasks write at the
    /// same time is committed together.
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
        self.inner.writer.write(work, Wakes::Steps).await
    }

    /// As [`Db::write`], for the framework's own writes: they wake no step.
    pub(crate) async fn write_quietly<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        self.inner.writer.write(work, Wakes::Nobody).await
    }

    /// Runs work that looks after its transactions itself, on a connection of the pool.
    pub(crate) async fn with<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    {
        let mut connection = self.inner.pool.get().await?;
        blocking(move || work(&mut connection)).await?
    }

    /// Counts the commits of others that were noticed: other programs', other processes', and
    /// this one's own but for what the framework writes. Latched.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.inner.writer.changes()
    }

    /// Takes the right to run this Synchronizer on this database, until the value is dropped
    /// or the process ends, however it ends.
    ///
    /// # Errors
    /// [`Error::AlreadyRunning`].
    pub fn lock(&self, synchronizer: &str) -> Result<ProcessLock> {
        ProcessLock::take(&self.inner.url, synchronizer)
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
