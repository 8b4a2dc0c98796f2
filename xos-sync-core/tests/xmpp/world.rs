//! A Synchronizer that listens.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use xos_sync_core::{
    Context, Registry, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    event::{FeedStatus, XmppFeed},
    migrate, model, sync_step,
};

/// Longer than anything takes here, so that what hangs fails.
pub const LONGEST: Duration = Duration::from_secs(60);

/// What changes are about.
#[model(table = farms)]
pub struct Farm {
    /// Its name.
    pub name: String,
}

/// Nothing needs to be done.
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

/// A Synchronizer that runs, with one feed.
pub struct Listener {
    synchronizer: Arc<Synchronizer>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl Listener {
    pub async fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("goal.db").display().to_string();
        let registry = Registry::linked().unwrap();
        let db = Db::open(&file, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &registry).await.unwrap();
        let feed = XmppFeed::new(url.parse().unwrap());
        let builder = Synchronizer::builder().db(db).registry(registry).feed(feed);
        let synchronizer = Arc::new(builder.build().await.unwrap());
        let (stop, stopped) = oneshot::channel();
        let running = Arc::clone(&synchronizer);
        let task = tokio::spawn(async move {
            running.run(async { drop(stopped.await) }).await.unwrap();
        });
        Self { synchronizer, stop, task, _folder: folder }
    }

    pub fn status(&self) -> FeedStatus {
        self.synchronizer.feeds().remove(0)
    }

    /// Waits until the feed is so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&FeedStatus) -> bool) -> FeedStatus {
        let so = timeout(LONGEST, async {
            loop {
                let status = self.status();
                if is_so(&status) {
                    return status;
                }
                sleep(Duration::from_millis(5)).await;
            }
        });
        so.await.unwrap_or_else(|_| panic!("{what} does not come: {:?}", self.status()))
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(LONGEST, self.task).await.expect("the shutdown does not come").unwrap();
    }
}
