//! A database on a server of a test's own, a backend, and a Synchronizer between them.

use std::time::Duration;

use xos_sync_core::{
    Synchronizer,
    db::{Db, OpenMode},
    migrate,
    status::{self, Status},
    synchronizer::Builder,
};

use crate::world::{BACKOFF, Backend, registry};

/// Only events wake its Synchronizers, not time.
pub struct Site {
    pub url: String,
    pub db: Db,
    pub backend: Backend,
}

impl Site {
    /// On an empty database.
    pub async fn new(url: &str) -> Self {
        let db = Db::open(url, OpenMode::Existing).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        Self { url: url.to_owned(), db, backend: Backend::default() }
    }

    pub async fn status(&self) -> Status {
        status::read(&self.db, &registry()).await.unwrap()
    }

    pub fn builder(&self) -> Builder {
        Synchronizer::builder()
            .db(self.db.clone())
            .registry(registry())
            .backend(self.backend.clone())
            .backoff(BACKOFF)
            .safety_poll(Duration::from_secs(3600))
    }
}
