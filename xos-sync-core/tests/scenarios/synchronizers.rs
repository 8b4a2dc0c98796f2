//! Two Synchronizers on one database, of which each has steps that the other one does not know.

use xos_sync_core::Registry;

use crate::world::{Crop, Farm, Field, Running, World, models, step, until};

step!(OnlyFarms, Farm, synchronizer = "a", interval = 3600);
step!(OnlyFields, Field, synchronizer = "b", interval = 3600);
step!(OnlyCrops, Crop, synchronizer = "b", interval = 3600, only = "name = 'wheat'");

fn registry_of_a() -> Registry {
    models().step(OnlyFarms::registration())
}

fn registry_of_b() -> Registry {
    models().step(OnlyFields::registration()).step(OnlyCrops::registration())
}

fn both() -> Registry {
    registry_of_a().step(OnlyFields::registration()).step(OnlyCrops::registration())
}

/// Starts one; it has begun when it has said which steps it has.
async fn start(world: &World, registry: fn() -> Registry) -> Running {
    let running = Running::start(world.builder().registry(registry()).build().await.unwrap());
    for step in registry().steps() {
        let known = format!("FROM xos_sync_steps WHERE step = '{}'", (step.spec)().name);
        until("its steps", async || !world.ask("step", &known).await.is_empty()).await;
    }
    running
}

/// Rows come and go again; none goes without a call.
async fn come_and_go(world: &World, times: usize) {
    for _ in 0..times {
        world.shell(
            "INSERT INTO farms (id, name) VALUES (1, 'farm'); \
             INSERT INTO fields (id, name, farm_id) VALUES (1, 'field', 1); \
             INSERT INTO crops (name, field_id) VALUES ('wheat', 1)",
        );
        until("all", async || world.backend.names().len() == 3).await;
        world.shell("DELETE FROM crops; DELETE FROM fields; DELETE FROM farms");
        let rows = "FROM (SELECT uid FROM farms_sync UNION ALL SELECT uid FROM fields_sync \
                    UNION ALL SELECT uid FROM crops_sync) AS kept";
        until("nothing", async || world.ask("uid", rows).await.is_empty()).await;
        assert_eq!(world.backend.names(), [""; 0]);
        let log = world.backend.log();
        let whole = ["farm", "field", "wheat"].map(|name| format!("sync {name}"));
        assert_eq!(log[..3], whole);
        let gone = ["wheat", "field", "farm"].map(|name| format!("delete {name}"));
        assert_eq!(log[3..], gone);
    }
}

#[tokio::test]
async fn each_deletes_its_rows_in_whatever_order_they_start() {
    for [first, second] in [[registry_of_a, registry_of_b], [registry_of_b, registry_of_a]] {
        let world = World::of(both).await;
        let first = start(&world, first).await;
        let second = start(&world, second).await;
        come_and_go(&world, 3).await;
        first.stop().await;
        second.stop().await;
    }
}

#[tokio::test]
async fn rows_that_are_deleted_before_their_synchronizer_is_there_wait_for_it() {
    let world = World::of(both).await;
    let (a, b) = (start(&world, registry_of_a).await, start(&world, registry_of_b).await);
    come_and_go(&world, 1).await;
    world.shell(
        "INSERT INTO farms (id, name) VALUES (1, 'farm'); INSERT INTO fields (id, name, farm_id) VALUES (1, 'field', 1)",
    );
    until("all", async || world.backend.names().len() == 2).await;
    b.stop().await;
    world.backend.log();
    world.shell("DELETE FROM fields; DELETE FROM farms");
    // `a` has looked at all of it when it has done something that came later.
    world.farm("later").await;
    until("the later one", async || world.backend.names().len() == 3).await;
    a.stop().await;
    let a = start(&world, registry_of_a).await;
    world.farm("last").await;
    until("the last one", async || world.backend.names().len() == 4).await;
    assert_eq!(world.backend.log(), ["sync later", "sync last"]);
    let b = start(&world, registry_of_b).await;
    until("the deletion", async || world.backend.names() == ["last", "later"]).await;
    assert_eq!(world.backend.log(), ["delete field", "delete farm"]);
    a.stop().await;
    b.stop().await;
}
