//! Processes of one Synchronizer whose programs are of different versions: the older one has no
//! step for fields.

use std::time::Duration;

use xos_sync_core::Registry;

use crate::world::{Running, SyncFarms, SyncFields, World, models, until};

fn older() -> Registry {
    models().step(SyncFarms::registration())
}

fn newer() -> Registry {
    older().step(SyncFields::registration())
}

async fn start(world: &World, registry: fn() -> Registry) -> Running {
    let builder = world.builder().registry(registry()).lease(Duration::from_secs(1));
    Running::start(builder.build().await.unwrap())
}

const ROWS: usize = 100;

/// Farms and fields come and go again, and each is called once for each.
async fn come_and_go(world: &World) {
    world.shell(&format!(
        "INSERT INTO farms (id, name) SELECT i, 'farm' || i FROM generate_series(1, {ROWS}) AS i; \
         INSERT INTO fields (name, farm_id) SELECT 'field' || i, i FROM generate_series(1, {ROWS}) AS i"
    ));
    until("all", async || world.backend.names().len() == 2 * ROWS).await;
    world.shell("DELETE FROM fields; DELETE FROM farms");
    let rows = "FROM (SELECT uid FROM farms_sync UNION ALL SELECT uid FROM fields_sync) AS kept";
    until("nothing", async || world.ask("uid", rows).await.is_empty()).await;
    assert_eq!(world.backend.names(), [""; 0]);
    assert_eq!(world.backend.log().len(), 4 * ROWS);
}

#[tokio::test]
async fn rows_of_a_step_go_to_the_processes_that_have_it() {
    for [first, second] in [[older, newer], [newer, older]] {
        let world = World::of(newer).await;
        let first = start(&world, first).await;
        until("the first one", async || world.status().await.processes.len() == 1).await;
        let second = start(&world, second).await;
        come_and_go(&world).await;
        until("two processes", async || world.status().await.processes.len() == 2).await;
        come_and_go(&world).await;
        first.stop().await;
        second.stop().await;
    }
}

#[tokio::test]
async fn what_only_the_older_program_is_there_for_waits_and_is_shown() {
    let world = World::of(newer).await;
    let new = start(&world, newer).await;
    come_and_go(&world).await;
    world.shell(
        "INSERT INTO farms (id, name) VALUES (1, 'farm'); INSERT INTO fields (name, farm_id) VALUES ('field', 1)",
    );
    until("both", async || world.backend.names().len() == 2).await;
    let old = start(&world, older).await;
    until("two processes", async || world.status().await.processes.len() == 2).await;
    new.stop().await;
    world.backend.log();
    world.shell("DELETE FROM fields; DELETE FROM farms; INSERT INTO farms (name) VALUES ('later')");
    until("the later one", async || world.backend.names().len() == 3).await;
    let unserved = async || {
        let steps = world.status().await.steps;
        let unserved = steps.into_iter().filter(|step| step.unserved_since.is_some());
        unserved.map(|step| step.step).collect::<Vec<_>>()
    };
    until("the step", async || unserved().await == ["SyncFields"]).await;
    assert!(world.status().await.has_failed());
    assert_eq!(world.backend.log(), ["sync later"]);
    let new = start(&world, newer).await;
    until("the deletion", async || world.backend.names() == ["later"]).await;
    assert_eq!(world.backend.log(), ["delete field", "delete farm"]);
    old.stop().await;
    new.stop().await;
}
