//! Rows that come, go or change without triggers, and deleted rows that keep each other.

use std::time::Duration;

use xos_sync_core::{db::Engine, event::Event};

use crate::{
    ENGINE,
    world::{Running, World, until},
};

/// Runs SQL for which no trigger of `farms` fires, as a restore tool may.
fn bypass(world: &World, sql: &str) {
    match ENGINE {
        Engine::Sqlite => {
            let names = ["inserted", "updated", "deleted"];
            let triggers: Vec<_> = names
                .iter()
                .map(|name| {
                    world.shell(&format!(
                        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'farms_{name}'"
                    ))
                })
                .collect();
            let drop: String =
                names.iter().map(|name| format!("DROP TRIGGER farms_{name}; ")).collect();
            world.shell(&format!("BEGIN; {drop} {sql}; {}; COMMIT", triggers.join("; ")));
        }
        Engine::Postgres => {
            world.shell(&format!(
                "BEGIN; ALTER TABLE farms DISABLE TRIGGER USER; {sql}; ALTER TABLE farms ENABLE ALWAYS TRIGGER farms_inserted; \
                 ALTER TABLE farms ENABLE ALWAYS TRIGGER farms_updated; ALTER TABLE farms ENABLE ALWAYS TRIGGER farms_deleted; \
                 ALTER TABLE farms ENABLE ALWAYS TRIGGER farms_truncated; COMMIT"
            ));
        }
    }
}

/// A pass that compares the tables.
async fn resync(world: &World) {
    let synchronizer = world.synchronizer().await;
    synchronizer.handle().send(Event::ComeRound);
    synchronizer.pass().await.unwrap();
}

#[tokio::test]
async fn rows_that_come_go_or_change_without_triggers_are_found_by_a_resync() {
    let world = World::new().await;
    for name in ["kept", "changes", "goes"] {
        world.farm(name).await;
    }
    world.pass().await;
    world.backend.log();
    bypass(
        &world,
        "INSERT INTO farms (name) VALUES ('comes'); UPDATE farms SET name = 'changed' WHERE name = 'changes'; \
         DELETE FROM farms WHERE name = 'goes'",
    );
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0], "no trigger has told of it");
    resync(&world).await;
    assert_eq!(world.backend.sorted_log(), ["delete goes", "sync changed", "sync comes"]);
    assert_eq!(world.backend.names(), ["changed", "comes", "kept"]);
    resync(&world).await;
    assert_eq!(world.backend.log(), [""; 0], "nothing is repaired twice");
    assert_eq!(world.ask("count(*)", "FROM farms_sync").await, ["3"]);
}

#[tokio::test]
async fn rows_that_come_go_or_change_without_triggers_are_found_after_a_time() {
    let world = World::new().await;
    let every = Duration::from_millis(100);
    let running = Running::start(world.builder().repair_interval(every).build().await.unwrap());
    world.farm("goes").await;
    until("the farm", async || world.backend.names() == ["goes"]).await;
    for at in 0..3 {
        bypass(&world, &format!("INSERT INTO farms (name) VALUES ('comes {at}')"));
        until("the new one", async || world.backend.names().len() == at + 2).await;
    }
    bypass(
        &world,
        "DELETE FROM farms WHERE name = 'goes'; UPDATE farms SET name = 'changed' WHERE name = 'comes 0'",
    );
    until("both", async || world.backend.names() == ["changed", "comes 1", "comes 2"]).await;
    running.stop().await;
}

#[tokio::test]
async fn deleted_rows_that_keep_each_other_go_together() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    for name in ["vine", "pole", "hedge"] {
        world.crop(name, &field).await;
    }
    world.pass().await;
    // Vine leans on pole, pole on vine; the hedge leans on the pole.
    world.shell("UPDATE crops SET support_id = 2 WHERE id IN (1, 3)");
    world.pass().await;
    world.shell("UPDATE crops SET support_id = 1 WHERE id = 2");
    world.pass().await;
    assert_eq!(
        world
            .ask("applied_support_id = 3 - object_id", "FROM crops_sync WHERE object_id < 3")
            .await,
        ["1", "1"]
    );
    world.backend.log();
    world.shell("DELETE FROM crops");
    let gate = world.backend.gate("delete hedge");
    let running = world.start().await;
    gate.entered().await;
    assert_eq!(world.backend.log(), ["delete hedge"], "the hedge keeps the circle from outside");
    gate.open();
    running.stop().await;
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete pole", "delete vine"]);
    assert_eq!(world.ask("count(*)", "FROM crops_sync").await, ["0"]);
}
