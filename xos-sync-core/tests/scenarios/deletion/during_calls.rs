//! Rows that are deleted, undeleted or referenced while a call for them is under way.

use std::time::Duration;

use crate::world::{Gate, Running, World, until};

#[tokio::test]
async fn deleted_while_it_is_synced_again() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("UPDATE farms SET name = 'barn'").await;
    let call = world.backend.gate("sync barn");
    let running = world.start().await;
    call.entered().await;
    world.sql("DELETE FROM farms").await;
    call.open();
    until("the deletion", async || world.ask("name", "FROM farms").await.is_empty()).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn", "delete barn"]);
    assert_eq!(world.backend.names(), [""; 0]);
}

#[tokio::test]
async fn deleted_while_it_is_synced_for_the_first_time() {
    let world = World::new().await;
    world.farm("farm").await;
    let call = world.backend.gate("sync farm");
    let running = world.start().await;
    call.entered().await;
    world.sql("DELETE FROM farms").await;
    // All is looked at, and looked at again, before the call ends.
    for other in ["a", "b"] {
        world.farm(other).await;
        until("the other farm", async || world.backend.names().iter().any(|name| name == other))
            .await;
    }
    call.open();
    until("the deletion", async || world.ask("name", "FROM farms").await == ["a", "b"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync a", "sync b", "delete farm"]);
    assert_eq!(world.backend.names(), ["a", "b"]);
}

#[tokio::test]
async fn undeleted_while_it_is_deleted() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    let call = world.backend.gate("delete farm");
    let undeleted = async {
        call.entered().await;
        world.sql("UPDATE farms SET deleted = FALSE").await;
        call.open();
    };
    let (report, ()) = tokio::join!(world.pass(), undeleted);
    assert_eq!((report.deleted, report.enacted), (0, 1));
    assert_eq!(world.backend.log(), ["sync farm", "delete farm", "sync farm"]);
    assert_eq!(world.backend.names(), ["farm"]);
    assert_eq!(world.get(farm.id).await.bookkeeping.uid, farm.bookkeeping.uid);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn undeleted_and_deleted_again_while_it_is_deleted() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    let call = world.backend.gate("delete farm");
    let changed = async {
        call.entered().await;
        world.shell("BEGIN; UPDATE farms SET deleted = FALSE; DELETE FROM farms; COMMIT");
        call.open();
    };
    let (report, ()) = tokio::join!(world.pass(), changed);
    assert_eq!(report.deleted, 1);
    assert_eq!(world.backend.log(), ["sync farm", "delete farm", "delete farm"]);
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}

#[tokio::test]
async fn a_child_is_added_while_its_parent_is_deleted() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    let call = world.backend.gate("delete farm");
    let added = async {
        call.entered().await;
        world.field("field", &farm).await;
        call.open();
    };
    let (report, ()) = tokio::join!(world.pass(), added);
    assert_eq!((report.deleted, report.enacted), (0, 0));
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)",
            "Field field (#1) blocked: blocked by Farm farm (#1), which is being deleted",
        ]
    );
    // The person decides: the field goes too.
    world.sql("DELETE FROM fields").await;
    assert_eq!(world.pass().await.deleted, 2);
    assert_eq!(world.backend.log(), ["sync farm", "delete farm", "delete farm"]);
}

#[tokio::test]
async fn a_child_moves_away_while_its_parent_waits_for_deletion() {
    let world = World::new().await;
    let (farm, other) = (world.farm("farm").await, world.farm("other").await);
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    world.sql("DELETE FROM farms WHERE name = 'farm'").await;
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    world.sql(&format!("UPDATE fields SET farm_id = {}", other.id.raw())).await;
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete farm", "sync field"]);
    assert_eq!(world.backend.names(), ["field", "other"]);
}

/// Farms whose calls wait: as many as the step makes at once.
async fn busy() -> (World, Running, Vec<Gate>) {
    let world = World::new().await;
    let gates: Vec<_> = (0..8).map(|at| world.backend.gate(&format!("sync farm{at}"))).collect();
    for at in 0..8 {
        world.farm(&format!("farm{at}")).await;
    }
    let running = world.start().await;
    for gate in &gates {
        gate.entered().await;
    }
    (world, running, gates)
}

#[tokio::test]
async fn deleted_before_its_turn() {
    let (world, running, gates) = busy().await;
    for _ in 0..10 {
        let late = world.farm("late").await;
        let taken = format!("FROM xos_sync_journal WHERE ids = '{}'", late.id.raw());
        until("its place in the journal", async || world.ask("id", &taken).await.len() == 1).await;
        // And a moment, so that it is at the end of the queue.
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.sql("DELETE FROM farms WHERE name = 'late'").await;
        until("its removal", async || world.ask("name", "FROM farms").await.len() == 8).await;
    }
    gates.iter().for_each(Gate::open);
    until("the others", async || world.backend.names().len() == 8).await;
    running.stop().await;
    assert_eq!(world.backend.log().len(), 8);
}

#[tokio::test]
async fn changed_before_its_turn() {
    let (world, running, gates) = busy().await;
    for name in ["late", "later", "latest"] {
        world.farm(name).await;
    }
    let taken = "FROM xos_sync_journal WHERE ',' || ids || ',' LIKE '%,11,%'";
    until("their place in the journal", async || world.ask("id", taken).await.len() == 1).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.sql("UPDATE farms SET name = 'new ' || name WHERE name LIKE 'late%'").await;
    world.sql("DELETE FROM farms WHERE name = 'new later'").await;
    until("the removal", async || world.ask("name", "FROM farms").await.len() == 10).await;
    gates.iter().for_each(Gate::open);
    until("the new names", async || {
        let names = world.backend.names();
        ["new late", "new latest"].iter().all(|new| names.iter().any(|name| name == new))
    })
    .await;
    running.stop().await;
    let log = world.backend.log();
    assert!(!log.iter().any(|call| call.ends_with("later")), "{log:?}");
    assert!(world.status().await.is_settled());
}
