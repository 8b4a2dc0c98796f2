//! What changes in the database is published, also when the bus was away.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use xos_sync_core::event::{Bridge, Change, FeedError, Publisher};

use crate::world::{World, registry, until};

/// A bus that keeps what it is given, and can be away.
#[derive(Clone, Default)]
struct Bus {
    changes: Arc<Mutex<Vec<Change>>>,
    away: Arc<AtomicBool>,
}

impl Bus {
    fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.changes.lock().unwrap())
    }

    fn has_heard_of(&self, model: &str, uid: Option<&str>) -> bool {
        let changes = self.changes.lock().unwrap();
        changes.iter().any(|change| change.model == model && change.uid.as_deref() == uid)
    }
}

#[async_trait]
impl Publisher for Bus {
    fn name(&self) -> String {
        "a bus in memory".into()
    }

    async fn publish(&mut self, change: &Change) -> Result<(), FeedError> {
        if self.away.load(Relaxed) {
            return Err("nobody there".into());
        }
        self.changes.lock().unwrap().push(change.clone());
        Ok(())
    }
}

/// A bridge that has published what was pending when it began.
async fn bridged(world: &World) -> Bus {
    let bus = Bus::default();
    let first = world.farm("first").await;
    let bridge = Bridge::new(world.db.clone(), &registry(), bus.clone());
    tokio::spawn(bridge.run(std::future::pending()));
    let uid = first.bookkeeping().uid.clone();
    until("what was pending", async || bus.has_heard_of("farms", Some(&uid))).await;
    bus.take();
    bus
}

#[tokio::test]
async fn a_change_is_published_with_its_identity_and_version() {
    let world = World::new().await;
    let bus = bridged(&world).await;
    let farm = world.farm("farm").await;
    let kept = farm.bookkeeping();
    until("the farm", async || bus.has_heard_of("farms", Some(&kept.uid))).await;
    let changes = bus.take();
    assert!(
        changes.contains(&Change::of_row("farms", kept.uid.clone(), kept.updated)),
        "{changes:?}"
    );
    world.shell("UPDATE farms SET name = 'barn' WHERE name = 'farm'");
    until("its change", async || bus.has_heard_of("farms", Some(&kept.uid))).await;
    bus.take();
    world.shell("DELETE FROM farms WHERE name = 'barn'");
    until("its deletion", async || bus.has_heard_of("farms", Some(&kept.uid))).await;
}

#[tokio::test]
async fn many_changes_are_published_as_one() {
    let world = World::new().await;
    let bus = bridged(&world).await;
    world.shell(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
         INSERT INTO farms (name) SELECT 'f' || i FROM n",
    );
    until("the farms", async || bus.has_heard_of("farms", None)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let changes = bus.take();
    assert!(changes.len() < 100, "{} changes", changes.len());
}

#[tokio::test]
async fn what_changes_while_the_bus_is_away_is_published_when_it_is_back() {
    let world = World::new().await;
    let bus = bridged(&world).await;
    bus.away.store(true, Relaxed);
    let (farm, other) = (world.farm("farm").await, world.farm("other").await);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bus.take(), []);
    bus.away.store(false, Relaxed);
    until("both", async || {
        [&farm, &other].iter().all(|farm| bus.has_heard_of("farms", Some(&farm.bookkeeping().uid)))
    })
    .await;
}
