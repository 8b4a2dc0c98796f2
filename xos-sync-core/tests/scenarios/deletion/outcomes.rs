//! What `delete_record` comes to, and when it is called at all.

use std::time::Duration;

use crate::world::{Answer, World, until};

#[tokio::test]
async fn a_row_that_was_never_created_is_removed_without_a_call() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.sql("DELETE FROM fields").await;
    world.sql("DELETE FROM farms").await;
    let report = world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    assert_eq!((report.deleted, report.calls()), (2, 0));
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}

#[tokio::test]
async fn a_row_whose_creation_failed_is_deleted_from_the_backend() {
    for failure in [
        Answer::Fail("lost the answer"),
        Answer::Terminal("no"),
        Answer::Wait("not yet", Duration::from_secs(9)),
        Answer::Panic("oh"),
    ] {
        let world = World::new().await;
        world.farm("farm").await;
        world.backend.answer("farm", failure);
        world.pass().await;
        world.backend.heal("farm");
        world.sql("DELETE FROM farms").await;
        let report = world.pass().await;
        assert_eq!(world.backend.log(), ["sync farm", "delete farm"]);
        assert_eq!(report.deleted, 1);
    }
}

#[tokio::test]
async fn not_found_counts_as_deleted() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    world.backend.answer("delete farm", Answer::NotFound);
    let report = world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "delete farm"]);
    assert_eq!((report.deleted, report.failed), (1, 0));
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}

#[tokio::test]
async fn a_failed_deletion_keeps_the_row_and_its_error_and_is_tried_again() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    world.backend.answer("delete farm", Answer::Fail("still in use"));
    let report = world.pass().await;
    assert_eq!((report.deleted, report.failed), (0, 1));
    assert_eq!(world.troubles().await, ["Farm farm (#1) failed (transient, 1 time): still in use"]);
    assert!(world.get(farm.id).await.bookkeeping().deleted);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "delete farm"]);
    world.skip(Duration::from_secs(2));
    world.pass().await;
    assert_eq!(
        world.troubles().await,
        ["Farm farm (#1) failed (transient, 2 times): still in use"]
    );
    world.backend.heal("delete farm");
    world.skip(Duration::from_secs(60));
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete farm", "delete farm"]);
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}

#[tokio::test]
async fn a_deletion_that_waits_for_its_backend_is_no_failure() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    world.backend.answer("delete farm", Answer::Wait("shutting down", Duration::from_secs(5)));
    let report = world.pass().await;
    assert_eq!((report.deleted, report.failed, report.waiting), (0, 0, 1));
    assert_eq!(world.troubles().await, ["Farm farm (#1) deleting: shutting down"]);
    world.backend.heal("delete farm");
    world.skip(Duration::from_secs(6));
    assert_eq!(world.pass().await.deleted, 1);
    assert_eq!(world.backend.log(), ["sync farm", "delete farm", "delete farm"]);
}

#[tokio::test]
async fn what_keeps_a_deleted_row_is_shown_before_what_its_step_said() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    let second = Duration::from_secs(1);
    world.backend.answer("delete field", Answer::Wait("drying out", 5 * second));
    world.sql("DELETE FROM fields").await;
    world.sql("DELETE FROM farms").await;
    world
        .sql("UPDATE farms_sync SET backend_status = 'ploughing', backend_class = 'waiting'")
        .await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete field"]);
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)",
            "Field field (#1) deleting: drying out",
        ]
    );
    world.backend.heal("delete field");
    world.backend.answer("delete farm", Answer::Wait("shutting down", 5 * second));
    world.skip(6 * second);
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete field", "delete farm"]);
    assert_eq!(world.troubles().await, ["Farm farm (#1) deleting: shutting down"]);
}

#[tokio::test]
async fn a_row_that_is_inserted_again_in_time_is_another_object() {
    let world = World::new().await;
    let old = world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    world.sql("INSERT INTO farms (id, name) VALUES (1, 'farm')").await;
    let report = world.pass().await;
    assert_eq!((report.deleted, report.enacted), (1, 1));
    assert_eq!(world.backend.sorted_log(), ["delete farm", "sync farm", "sync farm"]);
    let things: Vec<_> = world.backend.lock().things.keys().cloned().collect();
    assert_eq!(things, [world.get(old.id).await.uid()]);
    assert_ne!(things, [old.uid()]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_hold_holds_the_deletion_too() {
    for hold in ["no_sync", "lazy_blocked"] {
        let world = World::new().await;
        world.farm("created").await;
        world.pass().await;
        world.farm("never created").await;
        world.sql(&format!("UPDATE farms_sync SET {hold} = TRUE")).await;
        world.sql("DELETE FROM farms").await;
        assert_eq!(world.pass().await.deleted, 0);
        assert_eq!(world.backend.log(), ["sync created"]);
        let shown = world.shown().await;
        assert!(shown.contains("held"), "{shown}");
        assert_eq!(world.backend.names(), ["created"]);
        // It goes on after the release.
        world.sql(&format!("UPDATE farms_sync SET {hold} = FALSE")).await;
        assert_eq!(world.pass().await.deleted, 2);
        assert_eq!(world.backend.log(), ["delete created"]);
    }
}

#[tokio::test]
async fn a_release_is_an_event_for_a_deletion_too() {
    let world = World::new().await;
    world.farm("farm").await;
    let running = world.start().await;
    until("the farm", async || world.backend.names() == ["farm"]).await;
    world.shell("UPDATE farms_sync SET no_sync = TRUE; DELETE FROM farms");
    world.farm("other").await;
    until("the other", async || world.backend.names() == ["farm", "other"]).await;
    world.shell("UPDATE farms_sync SET no_sync = FALSE");
    until("the deletion", async || world.backend.names() == ["other"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync other", "delete farm"]);
}

#[tokio::test]
async fn a_step_deletes_by_the_values_that_the_row_had_last() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.pass().await;
    world.shell("UPDATE farms SET name = 'barn', backend_id = 'b-7'; DELETE FROM farms");
    let last = world.get(farm.id).await;
    assert_eq!((last.name.as_str(), last.backend_id.as_deref()), ("barn", Some("b-7")));
    assert!(last.bookkeeping().deleted);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "delete barn"]);
}
