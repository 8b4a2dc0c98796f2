//! What `delete_record` comes to, and when it is called at all.

use std::time::Duration;

use crate::world::{Answer, World};

#[tokio::test]
async fn a_row_that_was_never_created_is_removed_without_a_call() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.sql("DELETE FROM farms").await;
    world.sql("DELETE FROM fields").await;
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
        Answer::Defer("not yet", Duration::from_secs(9)),
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
    assert!(world.get(farm.id).await.bookkeeping.deleted);
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
    world.backend.answer("delete farm", Answer::Defer("shutting down", Duration::from_secs(5)));
    let report = world.pass().await;
    assert_eq!((report.deleted, report.failed, report.deferred), (0, 0, 1));
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
    world.backend.answer("farm", Answer::Defer("ploughing", Duration::from_secs(5)));
    world.pass().await;
    world.field("field", &farm).await;
    world.sql("DELETE FROM farms").await;
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)",
            "Field field (#1) blocked: blocked by Farm farm (#1), which is being deleted",
        ]
    );
    world.backend.heal("farm");
    world.backend.answer("delete farm", Answer::Defer("shutting down", Duration::from_secs(5)));
    world.sql("DELETE FROM fields").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "delete farm"]);
    assert_eq!(world.troubles().await, ["Farm farm (#1) deleting: shutting down"]);
}

#[tokio::test]
async fn a_row_that_is_undeleted_in_time_is_synced_and_not_deleted() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    world.sql("UPDATE farms SET deleted = FALSE").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync farm"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn held_rows_can_be_deleted_too() {
    let world = World::new().await;
    world.farm("created").await;
    world.pass().await;
    world.farm("never created").await;
    world.sql("UPDATE farms SET no_sync = TRUE, lazy_blocked = TRUE").await;
    world.sql("DELETE FROM farms").await;
    assert_eq!(world.pass().await.deleted, 2);
    assert_eq!(world.backend.log(), ["sync created", "delete created"]);
}
