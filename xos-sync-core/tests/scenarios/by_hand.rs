//! What people do with the bookkeeping by SQL, and names that it shares with an author's columns.

use std::time::Duration;

use xos_sync_core::{Id, Registry, Row, db::Engine, event::Event, model};

use crate::{
    ENGINE,
    world::{Answer, World, step},
};

/// A parcel, whose columns have the names of the bookkeeping's.
#[model(table = parcels)]
pub struct Parcel {
    /// Its key.
    pub id: Id<Self>,
    /// Its name.
    #[unique]
    pub name: String,
    /// The sender's identity of it.
    pub uid: Option<String>,
    /// The day on which it was packed.
    pub created: Option<String>,
    /// The person who changed it last.
    pub updated: Option<String>,
    /// Whether the receiver threw it away.
    #[default(false)]
    pub deleted: bool,
    /// Whether it stays where it is.
    #[default(false)]
    pub no_sync: bool,
    /// The law that was enacted for it.
    pub enacted: Option<String>,
    /// The steps up to the door.
    #[default(0)]
    pub step: i32,
    /// How often it was brought.
    #[default(0)]
    pub attempts: i32,
    /// The time of the next attempt.
    pub retry_at: Option<String>,
    /// The number of its object.
    pub object_id: Option<i64>,
    /// The number in another system.
    pub sync_id: Option<i64>,
    /// The parcel that it came with.
    #[references(Parcel)]
    pub applied: Option<Id<Parcel>>,
    /// Its last place.
    pub last: Option<String>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
    /// What the backend says of it.
    #[backend]
    pub backend_status: Option<String>,
}

step!(SyncParcels, Parcel, synchronizer = "post", interval = 3600, only = "step < 100");

/// A pass that compares the tables.
async fn resync(world: &World) {
    let synchronizer = world.synchronizer().await;
    synchronizer.handle().send(Event::ComeRound);
    synchronizer.pass().await.unwrap();
}

fn parcels() -> Registry {
    Registry::default().model::<Parcel>().unwrap().step(SyncParcels::registration())
}

#[tokio::test]
async fn an_author_may_name_columns_as_the_bookkeeping_does() {
    let world = World::of(parcels).await;
    world.shell(
        "INSERT INTO parcels (name, deleted, no_sync, updated, uid) VALUES ('box', TRUE, TRUE, 'ann', 'u1'); \
         INSERT INTO parcels (name, applied) VALUES ('bag', 1)",
    );
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync box", "sync bag"]);
    for change in ["deleted = FALSE", "enacted = 'law'", "retry_at = 'noon'", "object_id = 9"] {
        world.shell(&format!("UPDATE parcels SET {change} WHERE name = 'box'"));
        world.pass().await;
        assert_eq!(world.backend.log(), ["sync box"], "{change}");
    }
    let loaded =
        world.run(|conn| Row::<Parcel>::load(conn, "parcels.deleted OR name = 'box'", 9)).await;
    assert_eq!(loaded.len(), 1);
    assert_eq!(loaded[0].object_id, Some(9));
    assert_ne!(loaded[0].bookkeeping().uid, "u1");
    resync(&world).await;
    assert_eq!(world.backend.log(), [""; 0], "the tables are in line without a repair");
    // A parcel that fails shows so, and goes when it is deleted.
    world.backend.answer("sync bag", Answer::Fail("torn"));
    world.shell("UPDATE parcels SET step = 5 WHERE name = 'bag'");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync bag"]);
    assert!(world.shown().await.contains("torn"), "{}", world.shown().await);
    world.shell("DELETE FROM parcels WHERE name = 'bag'; DELETE FROM parcels WHERE name = 'box'");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete bag", "delete box"]);
    assert_eq!(world.ask("count(*)", "FROM parcels_sync").await, ["0"]);
    if ENGINE == Engine::Postgres {
        world.shell("INSERT INTO parcels (name) VALUES ('can')");
        world.pass().await;
        world.shell("TRUNCATE parcels");
        world.pass().await;
        assert_eq!(world.backend.log(), ["sync can", "delete can"]);
    }
}

#[tokio::test]
async fn an_enacted_row_is_synced_once_more_by_hand() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.shell("UPDATE farms_sync SET updated = updated + 1 WHERE object_id = 1 AND NOT deleted");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync farm"]);
}

#[tokio::test]
async fn an_object_whose_backend_is_gone_for_good_is_let_go() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    world.backend.answer("delete field", Answer::Fail("the backend was sold"));
    world.shell("DELETE FROM fields; DELETE FROM farms");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete field"]);
    world.shell("DELETE FROM fields_sync WHERE object_id = 1 AND deleted");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete farm"], "nothing waits for the field any more");
    assert_eq!(world.ask("count(*)", "FROM farms_sync").await, ["0"]);
    assert!(world.status().await.is_settled(), "{}", world.shown().await);
}

#[tokio::test]
async fn one_object_is_tried_again_at_once() {
    let world = World::new().await;
    for name in ["one", "two"] {
        world.farm(name).await;
        world.backend.answer(name, Answer::RetryAfter("full", Duration::from_secs(600)));
    }
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["sync one", "sync two"]);
    world.shell("UPDATE farms_sync SET retry_at = NULL, attempts = 0 WHERE object_id = 1");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync one"]);
}
