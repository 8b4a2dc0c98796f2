//! Django's ORM: whole rows are saved, and a deletion deletes what references the object first.

use xos_sync_core::{db::Engine, migrate};

use super::{Client, agree, calls, calls_of_a_resync, registry, story};
use crate::{ENGINE, world::World};

#[tokio::test]
async fn django_writes_the_table_as_any_other() {
    let world = World::of(registry).await;
    let mut django = Client::start("django", &world);
    story(
        &world,
        &mut django,
        &[
            ("insert apple", "ok 1", &["sync apple"]),
            ("save_unchanged apple", "ok saved", &[]),
            ("save apple 7", "ok 7", &["sync apple"]),
            ("save apple 7", "ok 7", &[]),
            ("insert_with_key 50 pear", "ok 50", &["sync pear"]),
            ("bulk_create plum quince", "ok 2", &["sync plum", "sync quince"]),
            ("update_where 1 old", "ok 3", &["sync pear", "sync plum", "sync quince"]),
            ("update_where 1 old", "ok 3", &[]),
            ("bulk_update 4 plum quince", "ok 2", &["sync plum", "sync quince"]),
            ("upsert apple 9", "ok written", &["sync apple"]),
            ("upsert apple 9", "ok written", &[]),
            ("upsert cherry 2", "ok written", &["sync cherry"]),
            ("insert_or_ignore cherry", "ok written", &[]),
            ("get_or_create cherry", "ok False", &[]),
            ("get_or_create medlar", "ok True", &["sync medlar"]),
            ("update_or_create medlar 3", "ok False", &["sync medlar"]),
            ("update_or_create medlar 3", "ok False", &[]),
            ("roll_back medlar", "ok rolled back", &[]),
            ("delete quince", "ok orm.Orchard=1", &["delete quince"]),
            // The name is free at once: this is another object.
            ("insert plum2", "ok 56", &["sync plum2"]),
        ],
    )
    .await;
    agree(&world, &mut django, &["apple", "cherry", "medlar", "pear", "plum", "plum2"]).await;
}

#[tokio::test]
async fn django_deletes_what_references_an_object_first() {
    let world = World::of(registry).await;
    let mut django = Client::start("django", &world);
    story(
        &world,
        &mut django,
        &[
            ("insert apple", "ok 1", &["sync apple"]),
            ("plant left apple", "ok 1", &["sync left"]),
            ("plant right apple", "ok 2", &["sync right"]),
        ],
    )
    .await;
    assert_eq!(django.ask("delete apple"), "ok orm.Orchard=1 orm.Tree=2");
    let calls = calls(&world).await;
    assert_eq!((calls.len(), calls[2].as_str()), (3, "delete apple"), "{calls:?}");
    agree(&world, &mut django, &[]).await;
    assert_eq!(world.ask("count(*)", "FROM trees_sync").await, ["0"]);
}

/// On SQLite Django changes a column by making the table anew, which drops the table's triggers. The
/// bookkeeping stands beside it, so nothing is made twice and nothing is lost.
#[tokio::test]
async fn bookkeeping_outlives_a_table_that_django_makes_anew() {
    if ENGINE == Engine::Postgres {
        return; // There Django alters the column, and the triggers stay.
    }
    let world = World::of(registry).await;
    let mut django = Client::start("django", &world);
    story(
        &world,
        &mut django,
        &[
            ("insert apple", "ok 1", &["sync apple"]),
            ("insert pear", "ok 2", &["sync pear"]),
            ("rebuild", "ok rebuilt", &[]),
        ],
    )
    .await;
    let missing = migrate::check(&world.db, &registry()).await.unwrap_err().to_string();
    assert!(missing.contains("orchards"), "{missing}");
    // What is written without triggers is found when the tables are compared.
    for operation in ["insert plum", "save pear 5", "delete apple"] {
        assert!(django.ask(operation).starts_with("ok"), "{operation}");
    }
    migrate::migrate(&world.db, &registry()).await.unwrap();
    let mut found = calls_of_a_resync(&world).await;
    found.sort();
    assert_eq!(found, ["delete apple", "sync pear", "sync plum"]);
    story(&world, &mut django, &[("save plum 6", "ok 6", &["sync plum"])]).await;
    agree(&world, &mut django, &["pear", "plum"]).await;
}
