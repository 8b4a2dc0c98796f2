//! An object is one object for life: its uid is never another's, whatever becomes of its key.

use xos_sync_core::db::Engine;

use crate::{
    ENGINE,
    world::{Answer, World, not_unique},
};

#[tokio::test]
async fn a_row_whose_key_changes_is_the_same_object() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let object = world.ask("sync_id || uid", "FROM farms_sync").await;
    world.shell("UPDATE farms SET id = 7");
    assert_eq!(world.ask("sync_id || uid", "FROM farms_sync").await, object);
    assert_eq!(world.ask("object_id", "FROM farms_sync").await, ["7"]);
    // The key is a part of the goal: a step may use it.
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync farm"]);
    world.shell("DELETE FROM farms WHERE id = 7");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete farm"]);
    assert_eq!(world.backend.names(), [""; 0]);
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}

#[tokio::test]
async fn a_uid_is_never_used_again() {
    let world = World::new().await;
    let mut seen = Vec::new();
    for insert in ["(name) VALUES ('farm')", "(id, name) VALUES (1, 'farm')"].repeat(2) {
        world.shell(&format!("INSERT INTO farms {insert}"));
        world.pass().await;
        seen.extend(world.ask("sync_id || ' ' || uid", "FROM farms_sync").await);
        world.shell("DELETE FROM farms");
        world.pass().await;
        assert_eq!(world.ask("sync_id", "FROM farms_sync").await, [""; 0]);
    }
    let keys: Vec<_> = seen.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(keys, ["1", "2", "3", "4"]);
    let mut uids: Vec<_> = seen.iter().filter_map(|row| row.split(' ').nth(1)).collect();
    uids.sort_unstable();
    uids.dedup();
    assert_eq!(uids.len(), 4);
}

#[tokio::test]
async fn a_row_with_the_key_of_one_that_is_still_being_deleted_is_another_object() {
    let world = World::new().await;
    let old = world.farm("old").await;
    world.pass().await;
    world.backend.answer("delete old", Answer::Fail("still in use"));
    world.shell("DELETE FROM farms; INSERT INTO farms (id, name) VALUES (1, 'new')");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete old", "sync new", "sync old"]);
    assert_eq!(world.backend.names(), ["new", "old"]);
    assert_eq!(world.troubles().await, ["Farm old (#1) failed (transient, 1 time): still in use"]);
    // A third one, before the first is gone.
    world.backend.answer("delete new", Answer::Fail("still in use too"));
    world.shell("DELETE FROM farms; INSERT INTO farms (id, name) VALUES (1, 'newest')");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete new", "sync newest"]);
    let mut uids = world.ask("uid", "FROM farms_sync WHERE object_id = 1").await;
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 3);
    world.backend.heal("delete old");
    world.backend.heal("delete new");
    world.skip(std::time::Duration::from_secs(2));
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete new", "delete old"]);
    let things: Vec<_> = world.backend.lock().things.keys().cloned().collect();
    assert_eq!(things, world.ask("uid", "FROM farms_sync").await);
    assert_ne!(things, [old.uid()]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_key_that_is_taken_is_refused() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let uid = world.ask("uid", "FROM farms_sync").await;
    let error = world.try_sql("INSERT INTO farms (id, name) VALUES (1, 'b')").await.unwrap_err();
    let taken = match ENGINE {
        Engine::Sqlite => "UNIQUE constraint failed: farms.id",
        Engine::Postgres => "duplicate key value violates unique constraint \"farms_pkey\"",
    };
    assert_eq!(error, format!("the database refused: {taken}"));
    assert_eq!(world.ask("uid", "FROM farms_sync").await, uid);
}

#[tokio::test]
async fn a_deleted_row_and_its_successor_of_the_same_name_are_two() {
    let world = World::new().await;
    let old = world.farm("farm").await;
    world.pass().await;
    world.backend.answer("delete farm", Answer::Fail("still in use"));
    world.shell("DELETE FROM farms; INSERT INTO farms (name) VALUES ('farm')");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete farm", "sync farm", "sync farm"]);
    let things: Vec<_> = world.backend.lock().things.keys().cloned().collect();
    assert_eq!(things.len(), 2);
    // The old one is deleted by its own uid.
    world.backend.heal("delete farm");
    world.skip(std::time::Duration::from_secs(1));
    world.pass().await;
    let things: Vec<_> = world.backend.lock().things.keys().cloned().collect();
    assert_eq!(things, world.ask("uid", "FROM farms_sync").await);
    assert_ne!(things, [old.uid()]);
}

#[tokio::test]
async fn names_are_unique_among_live_rows() {
    let world = World::new().await;
    world.farm("farm").await;
    let error = world.try_sql("INSERT INTO farms (name) VALUES ('farm')").await.unwrap_err();
    assert_eq!(error, format!("the database refused: {}", not_unique("farms", "name")));
    world.sql("DELETE FROM farms").await;
    for _ in 0..3 {
        world.sql("INSERT INTO farms (name) VALUES ('farm')").await;
        world.sql("DELETE FROM farms").await;
    }
    assert_eq!(world.pass().await.deleted, 4);
}

#[tokio::test]
async fn a_reference_to_nothing_is_refused() {
    let world = World::new().await;
    let insert = "INSERT INTO fields (name, farm_id) VALUES ('field', 9)";
    let error = world.try_sql(insert).await.unwrap_err();
    let (reason, shell) = match ENGINE {
        Engine::Sqlite => ("FOREIGN KEY constraint failed", "PRAGMA foreign_keys = ON; "),
        Engine::Postgres => (
            "insert or update on table \"fields\" violates foreign key constraint \"fields_farm_id_fkey\"",
            "",
        ),
    };
    assert_eq!(error, format!("the database refused: {reason}"));
    let output = world.try_shell(&format!("{shell}{insert}"));
    assert!(String::from_utf8_lossy(&output.stderr).contains(reason));
}
