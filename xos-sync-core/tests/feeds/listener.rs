//! A Synchronizer with a database of its own that listens to a bus.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use xos_sync_core::{
    Context, Outcome, Registry, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    event::{FeedStatus, feed_at},
    migrate, model, sync_step,
};

/// Longer than anything takes here, so that what hangs fails.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

/// A farm.
#[model(table = farms)]
pub struct Farm {
    /// Its key.
    pub id: xos_sync_core::Id<Farm>,
    /// Its name.
    pub name: String,
}

/// Does nothing.
#[sync_step(provides = Farm, interval = 3600)]
pub struct SyncFarms;

impl SyncStep for SyncFarms {
    async fn sync_record(&self, _: &Context, _: &mut xos_sync_core::Row<Farm>) -> StepResult {
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<Farm>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// A Synchronizer that runs until it is stopped or dropped.
pub(crate) struct Listener {
    synchronizer: Arc<Synchronizer>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl Listener {
    /// Listens to the bus at this URL.
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
            .feed(feed_at(url).unwrap())
            .build()
            .await
            .unwrap();
        let synchronizer = Arc::new(synchronizer);
        let (stop, stopped) = oneshot::channel();
        let running = Arc::clone(&synchronizer);
        let task = tokio::spawn(async move {
            running.run(async { drop(stopped.await) }).await.unwrap();
        });
        Self { synchronizer, stop: Some(stop), task, _folder: folder }
    }

    pub(crate) fn status(&self) -> FeedStatus {
        self.synchronizer.feeds().remove(0)
    }

    /// Waits until the feed is so.
    pub(crate) async fn until(
        &self,
        what: &str,
        is_so: impl Fn(&FeedStatus) -> bool,
    ) -> FeedStatus {
        let so = timeout(LONGEST, async {
            loop {
                let status = self.status();
                if is_so(&status) {
                    return status;
                }
                sleep(Duration::from_millis(3)).await;
            }
        });
        so.await.unwrap_or_else(|_| panic!("{what} does not come: {:?}", self.status()))
    }

    pub(crate) async fn until_up(&self) {
        self.until("the connection", |status| status.up).await;
    }

    pub(crate) async fn until_received(&self, events: u64) {
        let status = self.until("the event", |status| status.received >= events).await;
        assert_eq!(status.received, events);
    }

    /// Stops it, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        timeout(LONGEST, &mut self.task).await.expect("the shutdown does not come").unwrap();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits until it holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = timeout(LONGEST, async {
        while !holds().await {
            sleep(Duration::from_millis(3)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} does not come");
}
