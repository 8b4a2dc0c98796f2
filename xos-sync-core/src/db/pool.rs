//! A bounded pool of connections, for reading and for authors' queries.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};

use super::{
    AnyConnection, DatabaseUrl, Engine, OpenMode, blocking,
    health::Health,
    transaction::{PATIENCE, is_alive},
};
use crate::error::{Error, Result};

/// A connection that was not used for this long is asked first whether it still lives.
const RESTED: Duration = Duration::from_secs(1);

pub(super) struct Pool(deadpool::managed::Pool<Connections>);

/// A connection of the pool.
pub(super) struct Pooled {
    /// There is one, until this is dropped.
    connection: Option<AnyConnection>,
    generation: u64,
    health: Arc<Health>,
    used: Instant,
    /// Something went wrong on it.
    suspect: bool,
}

impl Pooled {
    pub(super) fn work<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T>,
    ) -> Result<T> {
        // Also when the work panics.
        self.suspect = true;
        let done = self.connection.as_mut().ok_or(Error::Closed).and_then(work);
        self.suspect = done.is_err();
        self.used = Instant::now();
        done
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if self.health.is_sealed() {
            // To close it would write what is in its old log into the new file.
            std::mem::forget(self.connection.take());
        }
    }
}

impl Pool {
    pub(super) fn new(url: DatabaseUrl, size: usize, health: Arc<Health>) -> Self {
        let builder = deadpool::managed::Pool::builder(Connections { url, health }).max_size(size);
        // Building fails only when time-outs are asked for without a runtime; none are.
        match builder.build() {
            Ok(pool) => Self(pool),
            Err(never) => unreachable!("{never}"),
        }
    }

    /// Whether somebody waits for a connection.
    pub(super) fn is_crowded(&self) -> bool {
        self.0.status().waiting > 0
    }

    pub(super) async fn get(&self) -> Result<Object<Connections>> {
        self.0.get().await.map_err(|error| match error {
            deadpool::managed::PoolError::Backend(error) => error,
            _ => Error::Closed,
        })
    }
}

pub(super) struct Connections {
    url: DatabaseUrl,
    health: Arc<Health>,
}

impl Manager for Connections {
    type Type = Pooled;
    type Error = Error;

    /// A server that is just being restarted is waited for.
    async fn create(&self) -> Result<Pooled> {
        let (begun, mut wait) = (Instant::now(), Duration::from_millis(50));
        loop {
            // A file that is not the database, or not the right one.
            if let (Engine::Sqlite, Some(trouble)) = (self.url.engine(), self.health.trouble()) {
                return Err(Error::Open { url: self.url.to_string(), reason: trouble.message });
            }
            let generation = self.health.generation();
            let url = self.url.clone();
            match blocking(move || url.connect(OpenMode::Existing)).await? {
                Ok(connection) => {
                    let (connection, health) = (Some(connection), self.health.clone());
                    let used = Instant::now();
                    return Ok(Pooled { connection, generation, health, used, suspect: false });
                }
                Err(_) if self.url.engine() == Engine::Postgres && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(PATIENCE / 5);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<Error> {
        let is_file = self.url.engine() == Engine::Sqlite;
        if pooled.generation != self.health.generation() || is_file && self.health.is_troubled() {
            return Err(RecycleError::Backend(Error::Closed));
        }
        if is_file || !pooled.suspect && pooled.used.elapsed() < RESTED {
            return Ok(());
        }
        // One round trip: not worth a thread.
        if pooled.connection.as_mut().is_some_and(is_alive) {
            Ok(())
        } else {
            Err(RecycleError::Backend(Error::Closed))
        }
    }
}
