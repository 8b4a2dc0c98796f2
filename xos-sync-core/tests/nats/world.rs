//! A Synchronizer with a database of its own that listens to a feed.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use xos_sync_core::{
    Context, Micros, Registry, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    event::{Change, FeedStatus, NatsFeed},
    migrate, model, sync_step,
};

/// Longer than anything takes here, so that what hangs fails.
const LONGEST: Duration = Duration::from_secs(30);

/// A farm.
#[model(table = farms)]
pub struct Farm {
    /// Its name.
    pub name: String,
}

/// Does nothing.
#[sync_step(provides = Farm, interval = 3600)]
pub struct SyncFarms;

#[async_trait]
impl SyncStep for SyncFarms {
    async fn sync_record(&self, _: &Context, _: &mut Farm) -> StepResult {
        Ok(())
    }

    async fn delete_record(&self, _: &Context, _: &Farm) -> StepResult {
        Ok(())
    }
}

/// A Synchronizer that runs until this is dropped.
pub(crate) struct Listener {
    synchronizer: Arc<Synchronizer>,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl Listener {
    pub(crate) async fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry =
            || Registry::default().model::<Farm>().unwrap().step(SyncFarms::registration());
        let path = folder.path().join("goal.db").display().to_string();
        let db = Db::open(&path, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        let synchronizer = Synchronizer::builder()
            .db(db)
            .registry(registry())
            .safety_poll(Duration::from_secs(3600))
            .feed(NatsFeed::new(url).unwrap())
            .build()
            .await
            .unwrap();
        let synchronizer = Arc::new(synchronizer);
        let running = Arc::clone(&synchronizer);
        let task = tokio::spawn(async move {
            running.run(std::future::pending()).await.unwrap();
        });
        Self { synchronizer, task, _folder: folder }
    }

    pub(crate) fn status(&self) -> FeedStatus {
        self.synchronizer.feeds().remove(0)
    }

    pub(crate) async fn until_up(&self) {
        until("the connection", async || self.status().up).await;
    }

    pub(crate) async fn until_received(&self, events: u64) {
        until("the event", async || self.status().received >= events).await;
        assert_eq!(self.status().received, events);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn row(uid: &str) -> Change {
    Change::of_row("farms", uid, Micros(1_700_000_000_000_000))
}

/// Waits until it holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(LONGEST, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} does not come");
}
