//! SQLAlchemy with a version column, which checks that each UPDATE and each DELETE met one row.

use xos_sync_core::db::Engine;

use super::{Client, agree, calls, calls_of_a_resync, registry, story};
use crate::{ENGINE, world::World};

#[tokio::test]
async fn sqlalchemy_meets_one_row_with_each_statement() {
    let world = World::of(registry).await;
    let mut client = Client::start("sqlalchemy", &world);
    story(
        &world,
        &mut client,
        &[
            ("insert apple", "ok 1", &["sync apple"]),
            ("save_unchanged apple", "ok 1", &[]),
            // The version is a column of the application's: its growth is a change of the goal.
            ("save apple 7", "ok 2", &["sync apple"]),
            ("bulk_insert pear plum", "ok 2", &["sync pear", "sync plum"]),
            ("update_where 1 old", "ok 2", &["sync pear", "sync plum"]),
            ("upsert apple 9", "ok written", &["sync apple"]),
            ("upsert apple 9", "ok written", &[]),
            ("upsert cherry 2", "ok written", &["sync cherry"]),
            ("roll_back cherry", "error InterruptedError: rolled back", &[]),
            ("delete plum", "ok deleted", &["delete plum"]),
            ("delete_returning pear", "ok pear=1", &["delete pear"]),
            ("delete_returning pear", "ok", &[]),
        ],
    )
    .await;
    let refused = client.ask("delete_stale cherry");
    assert!(refused.starts_with("error StaleDataError: DELETE statement"), "{refused}");
    assert_eq!(calls(&world).await, [""; 0], "the refused deletion was rolled back");
    agree(&world, &mut client, &["apple", "cherry"]).await;
}

#[tokio::test]
async fn an_object_that_takes_the_place_of_a_deleted_one_is_another_object() {
    let world = World::of(registry).await;
    let mut client = Client::start("sqlalchemy", &world);
    story(&world, &mut client, &[("insert apple", "ok 1", &["sync apple"])]).await;
    let uid = world.ask("uid", "FROM orchards_sync").await;
    assert_eq!(client.ask("move apple apple"), "ok moved");
    let mut made = calls(&world).await;
    made.sort();
    assert_eq!(made, ["delete apple", "sync apple"]);
    assert_ne!(world.ask("uid", "FROM orchards_sync").await, uid);
    agree(&world, &mut client, &["apple"]).await;
    // What is planted in it goes before it.
    story(&world, &mut client, &[("plant left apple", "ok planted", &["sync left"])]).await;
    assert_eq!(client.ask("delete apple"), "ok deleted");
    assert_eq!(calls(&world).await, ["delete left", "delete apple"]);
    agree(&world, &mut client, &[]).await;
}

#[tokio::test]
async fn insert_or_replace_keeps_the_object_of_its_key() {
    if ENGINE == Engine::Postgres {
        return; // It has no such statement.
    }
    let world = World::of(registry).await;
    let mut client = Client::start("sqlalchemy", &world);
    story(
        &world,
        &mut client,
        &[("insert apple", "ok 1", &["sync apple"]), ("insert pear", "ok 2", &["sync pear"])],
    )
    .await;
    let uid = world.ask("uid", "FROM orchards_sync WHERE object_id = 1").await;
    story(&world, &mut client, &[("replace 1 apple 5", "ok written", &["sync apple"])]).await;
    assert_eq!(world.ask("uid", "FROM orchards_sync WHERE object_id = 1").await, uid);
    // The row of that name is replaced by a row with another key. SQLite runs no trigger for the row that
    // goes, so the object is found to be gone when the tables are compared.
    story(&world, &mut client, &[("replace_name pear 6", "ok written", &["sync pear"])]).await;
    assert_eq!(world.ask("id", "FROM orchards ORDER BY id").await, ["1", "3"]);
    assert_eq!(calls_of_a_resync(&world).await, ["delete pear"]);
    agree(&world, &mut client, &["apple", "pear"]).await;
}
