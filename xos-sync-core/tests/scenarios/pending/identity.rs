//! A row is one row for life: its key and its uid are never another's.

use xos_sync_core::db::Engine;

use crate::{
    ENGINE,
    world::{Answer, World, not_unique},
};

#[tokio::test]
async fn key_and_uid_never_change() {
    let world = World::new().await;
    world.farm("farm").await;
    for change in ["uid = 'mine'", "id = 7", "uid = NULL"] {
        let output = world.try_shell(&format!("UPDATE farms SET {change}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        let by_engine = change.starts_with("id") && ENGINE == Engine::Postgres;
        let refused = if by_engine {
            "column \"id\" can only be updated to DEFAULT"
        } else {
            "farms.id and farms.uid never change: add a new row instead"
        };
        assert!(errors.contains(refused), "{change}: {errors}");
    }
}

#[tokio::test]
async fn key_and_uid_are_never_used_again() {
    let world = World::new().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        world.shell("INSERT INTO farms (name) VALUES ('farm')");
        world.pass().await;
        seen.extend(world.ask("id || ' ' || uid", "FROM farms").await);
        world.shell("DELETE FROM farms");
        world.pass().await;
        assert_eq!(world.ask("id", "FROM farms").await, [""; 0]);
    }
    let keys: Vec<_> = seen.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(keys, ["1", "2", "3"]);
    let mut uids: Vec<_> = seen.iter().filter_map(|row| row.split(' ').nth(1)).collect();
    uids.sort_unstable();
    uids.dedup();
    assert_eq!(uids.len(), 3);
}

#[tokio::test]
async fn a_key_that_was_used_is_refused() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let uid = world.ask("uid", "FROM farms").await;
    let (inserts, refused): (&[_], _) = match ENGINE {
        Engine::Sqlite => (
            &["INSERT OR REPLACE", "REPLACE", "INSERT"],
            "this farms.id was used before: leave id out, the database gives it",
        ),
        Engine::Postgres => (&["INSERT"], "cannot insert a non-DEFAULT value into column \"id\""),
    };
    for insert in inserts {
        let output =
            world.try_shell(&format!("{insert} INTO farms (id, name) VALUES (1, 'other')"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(refused), "{insert}: {errors}");
    }
    assert_eq!(world.ask("uid", "FROM farms").await, uid);
}

#[tokio::test]
async fn a_deleted_row_and_its_successor_of_the_same_name_are_two() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let old = world.ask("uid", "FROM farms").await;
    world.backend.answer("delete farm", Answer::Fail("still in use"));
    world.shell("DELETE FROM farms; INSERT INTO farms (name) VALUES ('farm')");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete farm", "sync farm", "sync farm"]);
    let things: Vec<_> = world.backend.lock().things.keys().cloned().collect();
    assert_eq!(things.len(), 2);
    // The old one is deleted by its own uid, and cannot come back in the new one's place.
    world.backend.heal("delete farm");
    let output = world.try_shell("UPDATE farms SET deleted = FALSE WHERE id = 1");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains(&not_unique("farms", "name")), "{errors}");
    world.skip(std::time::Duration::from_secs(1));
    world.pass().await;
    let things: Vec<_> = world.backend.lock().things.keys().cloned().collect();
    assert_eq!(things, world.ask("uid", "FROM farms").await);
    assert_ne!(things, old);
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
