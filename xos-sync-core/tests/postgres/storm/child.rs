//! The Synchronizer that stands in the storm, in a process of its own, so that its memory is its own.

use std::{io::Write as _, time::Duration};

use xos_sync_core::{
    Context, Micros, Outcome, Registry, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    sync_step,
};

use crate::world::{Farm, models};

/// Says when its calls begin.
#[sync_step(provides = Farm, synchronizer = "storm", interval = 3600)]
pub struct HearFarms;

impl SyncStep for HearFarms {
    async fn sync_record(&self, _: &Context, farm: &mut xos_sync_core::Row<Farm>) -> StepResult {
        say(&format!("called {} {}", Micros::now().0, farm.name));
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<Farm>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// One line at once, whatever the test harness prints meanwhile.
fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\nchild: {what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

pub fn registry() -> Registry {
    models().step(HearFarms::registration())
}

/// Runs in a process of its own, and does nothing when the environment does not ask for it.
#[test]
fn storm_child() {
    let Ok(url) = std::env::var("XOS_STORM_URL") else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        let db = Db::open(&url, OpenMode::Existing).await.unwrap();
        let builder = Synchronizer::builder().db(db).registry(registry());
        let synchronizer = builder.safety_poll(Duration::from_secs(3600)).build().await.unwrap();
        let count = async {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let feeds = synchronizer.feeds();
                let heard: u64 = feeds.iter().map(|feed| feed.received + feed.dropped).sum();
                say(&format!("heard {heard}"));
            }
        };
        tokio::select! {
            () = count => {}
            ended = synchronizer.run(std::future::pending()) => ended.unwrap(),
        }
    });
}
