//! Parents stay until the backend's children have left them.

use std::time::Duration;

use xos_sync_core::{Context, Registry, Row, StepResult, SyncStep, sync_step};

use crate::world::{Answer, Backend, Field, Gate, Running, SyncFarms, World, models, until};

#[tokio::test]
async fn a_parent_is_deleted_after_the_child_that_moved_away_has_left_it() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.farm("other").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    world.backend.answer("sync field", Answer::Fail("no way"));
    world.shell(
        "BEGIN; UPDATE fields SET farm_id = 2; DELETE FROM farms WHERE name = 'farm'; COMMIT",
    );
    // As long as the move fails, the backend still has the field in the old farm.
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync field"]);
    assert_eq!(
        world.troubles().await,
        [
            "Field field (#1) failed (transient, 1 time): no way",
            "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)",
        ]
    );
    world.backend.heal("sync field");
    world.skip(Duration::from_secs(2));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync field", "delete farm"]);
    assert_eq!(world.backend.names(), ["field", "other"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_child_that_moves_while_it_is_synced_holds_the_parent_that_the_call_was_given() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.farm("other").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    world.sql("UPDATE fields SET name = 'renamed'").await;
    let call = world.backend.gate("sync renamed");
    let move_on = world.backend.gate("sync moved");
    let running = world.start().await;
    call.entered().await;
    world.shell(
        "BEGIN; UPDATE fields SET farm_id = 2, name = 'moved'; \
         DELETE FROM farms WHERE name = 'farm'; COMMIT",
    );
    call.open();
    // The stamp of the first call is written before the second call.
    move_on.entered().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    move_on.open();
    until("the deletion", async || world.ask("uid", "FROM farms_sync").await.len() == 1).await;
    running.stop().await;
    let log = world.backend.log();
    assert_eq!(log, ["sync renamed", "sync moved", "delete farm"]);
    assert_eq!(world.backend.names(), ["moved", "other"]);
}

/// Two farms of which the first one is in line, and a call for a field of it that has begun.
async fn first_call() -> (World, Gate, Running) {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.farm("other").await;
    world.pass().await;
    world.field("field", &farm).await;
    world.backend.log();
    let call = world.backend.gate("sync field");
    let running = world.start().await;
    call.entered().await;
    (world, call, running)
}

#[tokio::test]
async fn the_first_call_for_a_child_that_moves_away_holds_its_parent() {
    let (world, call, running) = first_call().await;
    world.shell("BEGIN; UPDATE fields SET farm_id = 2; DELETE FROM farms WHERE id = 1; COMMIT");
    // All is looked at, and looked at again, before the call ends.
    for other in ["a", "b"] {
        world.farm(other).await;
        until("the other farm", async || world.backend.names().iter().any(|name| name == other))
            .await;
    }
    let told = "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)";
    assert!(world.troubles().await.iter().any(|line| line == told));
    call.open();
    until("the deletion", async || world.ask("uid", "FROM farms_sync").await.len() == 3).await;
    running.stop().await;
    let log = world.backend.log();
    assert_eq!(log, ["sync field", "sync a", "sync b", "sync field", "delete farm"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_first_call_that_failed_holds_the_parent_too() {
    let (world, call, running) = first_call().await;
    world.backend.answer("sync field", Answer::Fail("no way"));
    call.open();
    until("the failure", async || world.troubles().await.len() == 1).await;
    running.stop().await;
    world.shell("BEGIN; UPDATE fields SET farm_id = 2; DELETE FROM farms WHERE id = 1; COMMIT");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync field", "sync field"]);
    world.backend.heal("sync field");
    world.skip(Duration::from_secs(2));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync field", "delete farm"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn each_parent_that_a_call_was_given_waits_for_the_child_that_moves_on() {
    let world = World::new().await;
    let farm = world.farm("one").await;
    world.farm("two").await;
    world.farm("three").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    world.sql("UPDATE fields SET farm_id = 2").await;
    let call = world.backend.gate("sync field");
    let running = world.start().await;
    call.entered().await;
    world.backend.answer("sync field", Answer::Fail("no way"));
    world.shell("BEGIN; UPDATE fields SET farm_id = 3; DELETE FROM farms WHERE id < 3; COMMIT");
    call.open();
    until("the failure", async || world.troubles().await.len() == 3).await;
    running.stop().await;
    assert_eq!(world.backend.names(), ["field", "one", "three", "two"]);
    world.backend.heal("sync field");
    world.skip(Duration::from_secs(9));
    world.pass().await;
    assert_eq!(world.backend.names(), ["field", "three"]);
    assert_eq!(world.backend.log().iter().filter(|call| call.starts_with("delete")).count(), 2);
}

#[tokio::test]
async fn all_parents_of_a_child_wait_for_its_deletion() {
    let world = World::new().await;
    let farm = world.farm("one").await;
    world.farm("two").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.sql("UPDATE fields SET farm_id = 2").await;
    let call = world.backend.gate("sync field");
    let running = world.start().await;
    call.entered().await;
    world.backend.answer("sync field", Answer::Fail("no way"));
    world.backend.answer("delete field", Answer::Fail("no way"));
    world.backend.log();
    world.shell("BEGIN; DELETE FROM fields; DELETE FROM farms; COMMIT");
    call.open();
    until("the failure", async || world.troubles().await[0].ends_with("no way")).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["delete field"]);
    world.backend.heal("delete field");
    world.skip(Duration::from_secs(9));
    world.pass().await;
    let log = world.backend.log();
    assert_eq!(log[0], "delete field");
    assert_eq!(log.len(), 3);
    assert_eq!(world.backend.names(), [""; 0]);
}

#[tokio::test]
async fn a_child_that_was_never_called_holds_no_parent_that_it_has_left() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.pass().await;
    world.backend.answer("sync other", Answer::Fail("no way"));
    world.farm("other").await;
    world.field("field", &farm).await;
    world.shell("BEGIN; UPDATE fields SET farm_id = 2; DELETE FROM farms WHERE id = 1; COMMIT");
    world.backend.log();
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete farm", "sync other"]);
}

/// Farms whose fields are deleted with a look at their farm.
fn deleting_in_farms() -> Registry {
    models().step(SyncFarms::registration()).step(FieldsOfFarms::registration())
}

/// Notes the farm of each field.
#[sync_step(provides = Field, synchronizer = "farm", interval = 3600)]
pub struct FieldsOfFarms {
    backend: Backend,
}

impl SyncStep for FieldsOfFarms {
    async fn sync_record(&self, _: &Context, field: &mut Row<Field>) -> StepResult {
        self.backend.call("sync", &field.name, field.uid()).await
    }

    async fn delete_record(&self, cx: &Context, field: &Row<Field>) -> StepResult {
        let farm = cx.get(field.farm_id).await?;
        self.backend.call("delete", &format!("{} of {}", field.name, farm.name), field.uid()).await
    }
}

#[tokio::test]
async fn a_deletion_finds_the_parent_that_was_applied_also_when_another_has_its_key() {
    let world = World::of(deleting_in_farms).await;
    let farm = world.farm("old").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.shell(
        "BEGIN; DELETE FROM fields; DELETE FROM farms; INSERT INTO farms (id, name) VALUES (1, 'new'); COMMIT",
    );
    world.backend.log();
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete field of old", "delete old", "sync new"]);
}

#[tokio::test]
async fn a_deletion_finds_the_parent_that_the_last_call_was_given() {
    let world = World::of(deleting_in_farms).await;
    let farm = world.farm("old").await;
    world.farm("other").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.answer("sync field", Answer::Fail("no way"));
    world.sql("UPDATE fields SET farm_id = 2").await;
    world.pass().await;
    world.shell(
        "BEGIN; DELETE FROM fields; DELETE FROM farms; INSERT INTO farms (id, name) VALUES (2, 'new'); COMMIT",
    );
    world.backend.log();
    world.pass().await;
    let log = world.backend.log();
    assert!(log.contains(&"delete field of other".to_owned()), "{log:?}");
    assert_eq!(world.backend.names(), ["new"]);
}
