//! Contract C5: parents first, children gone first, each object as soon as it can.

use crate::world::{Answer, World};

#[tokio::test]
async fn parents_are_synced_before_their_children() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("crop", &field).await;
    let report = world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync field", "sync crop"]);
    assert_eq!((report.enacted, report.failed), (3, 0));
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
}

#[tokio::test]
async fn children_are_deleted_before_their_parents() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("crop", &field).await;
    world.pass().await;
    world.backend.log();
    world.sql("DELETE FROM crops").await;
    world.sql("DELETE FROM fields").await;
    world.sql("DELETE FROM farms").await;
    let report = world.pass().await;
    assert_eq!(world.backend.log(), ["delete crop", "delete field", "delete farm"]);
    assert_eq!(report.deleted, 3);
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
    assert_eq!(world.backend.names(), [""; 0]);
}

#[tokio::test]
async fn a_failed_parent_holds_back_only_its_own_descendants() {
    let world = World::new().await;
    let (bad, good) = (world.farm("bad").await, world.farm("good").await);
    let (bad_field, good_field) = (world.field("f1", &bad).await, world.field("f2", &good).await);
    world.crop("c1", &bad_field).await;
    world.crop("c2", &good_field).await;
    world.backend.answer("bad", Answer::Terminal("no room"));
    world.pass().await;
    let mut log = world.backend.log();
    log.sort();
    assert_eq!(log, ["sync bad", "sync c2", "sync f2", "sync good"]);
    let shown = world.shown().await;
    let expected = "Farm bad (#1) failed (terminal, 1 time, waits for a changed goal): no room\n\
        Field f1 (#1) blocked: blocked by Farm bad (#1), which failed: no room\n\
        Crop c1 (#1) blocked: blocked by Farm bad (#1), which failed: no room\n";
    assert!(shown.contains(expected), "{shown}");
}
