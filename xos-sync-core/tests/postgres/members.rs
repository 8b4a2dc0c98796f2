//! Several Synchronizers of one name on one database share the work.

use std::time::Duration;

use xos_sync_core::{Context, Outcome, StepResult, SyncStep, sync_step};

use crate::{
    transactions::Open,
    world::{Backend, Farm, Running, World, models, until},
};

async fn member(world: &World) -> Running {
    let builder = world.builder().lease(Duration::from_secs(1));
    Running::start(builder.build().await.unwrap())
}

/// The shards of each process, in order.
async fn shards(world: &World) -> Vec<i64> {
    let mut shards: Vec<_> =
        world.status().await.processes.iter().map(|process| process.shards).collect();
    shards.sort_unstable();
    shards
}

#[tokio::test]
async fn who_comes_gets_a_part_and_who_leaves_gives_it_back() {
    let world = World::new().await;
    let first = member(&world).await;
    until("all", async || shards(&world).await == [64]).await;
    let second = member(&world).await;
    until("two halves", async || shards(&world).await == [32, 32]).await;
    let third = member(&world).await;
    until("three parts", async || {
        let shards = shards(&world).await;
        shards.len() == 3 && shards[0] >= 20 && shards.iter().sum::<i64>() == 64
    })
    .await;
    for at in 0..100 {
        world.farm(&format!("farm{at}")).await;
    }
    until("all farms", async || world.backend.names().len() == 100).await;
    second.stop().await;
    third.stop().await;
    until("all again", async || shards(&world).await == [64]).await;
    world.shell("UPDATE farms SET name = 'new ' || name");
    until("the new names", async || {
        world.backend.names().iter().all(|name| name.starts_with("new "))
    })
    .await;
    first.stop().await;
    // Each was in one hand, once.
    assert_eq!(world.backend.log().len(), 200);
    assert_eq!(shards(&world).await, [0; 0]);
}

#[tokio::test]
async fn what_is_in_hand_is_not_given_away() {
    let world = World::new().await;
    for at in 1..=20 {
        world.farm(&format!("farm{at}")).await;
    }
    let gates: Vec<_> = (1..=8).map(|at| world.backend.gate(&format!("sync farm{at}"))).collect();
    let first = member(&world).await;
    for gate in &gates {
        gate.entered().await;
    }
    let second = member(&world).await;
    until("what the second one has", async || world.backend.lock().log.len() > 8).await;
    // A call for a row that is in a hand would have been noticed by the backend.
    tokio::time::sleep(Duration::from_millis(700)).await;
    gates.iter().for_each(crate::world::Gate::open);
    until("all", async || world.backend.names().len() == 20).await;
    until("two halves", async || shards(&world).await == [32, 32]).await;
    first.stop().await;
    second.stop().await;
    assert_eq!(world.backend.log().len(), 20);
}

#[tokio::test]
async fn children_wait_for_parents_that_another_process_has() {
    let world = World::new().await;
    let (first, second) = (member(&world).await, member(&world).await);
    until("two halves", async || shards(&world).await == [32, 32]).await;
    world.shell(
        "INSERT INTO farms (name) SELECT 'farm' || i FROM generate_series(1, 20) AS i; \
         INSERT INTO fields (name, farm_id) SELECT 'field' || i, 1 + i % 20 FROM generate_series(1, 60) AS i; \
         INSERT INTO crops (name, field_id) SELECT 'crop' || i, 1 + i % 60 FROM generate_series(1, 120) AS i",
    );
    until("all", async || world.backend.names().len() == 200).await;
    world.shell("DELETE FROM crops; DELETE FROM fields; DELETE FROM farms");
    until("nothing", async || world.backend.names().is_empty()).await;
    until("no rows", async || world.ask("uid", "FROM farms_sync").await.is_empty()).await;
    first.stop().await;
    second.stop().await;
    let log = world.backend.log();
    assert_eq!(log.len(), 400);
    let place = |call: &str| log.iter().position(|line| line == call).unwrap();
    for at in 1..=60 {
        assert!(place(&format!("sync farm{}", 1 + at % 20)) < place(&format!("sync field{at}")));
        assert!(
            place(&format!("delete field{at}")) < place(&format!("delete farm{}", 1 + at % 20))
        );
    }
}

#[tokio::test]
async fn steps_that_no_process_serves_are_shown() {
    let world = World::new().await;
    let unserved = async || {
        let steps = world.status().await.steps;
        steps.into_iter().filter(|step| step.unserved_since.is_some()).count()
    };
    let running = member(&world).await;
    until("all shards", async || shards(&world).await == [64]).await;
    assert_eq!(unserved().await, 0);
    running.stop().await;
    assert_eq!(unserved().await, 3);
    let shown = world.status().await.to_string();
    assert!(shown.contains("step farm/SyncFarms: no process serves it since "), "{shown}");
}

/// Whoever deals out shards, or died while doing so, does not cost the others their leases.
#[tokio::test]
async fn a_lease_is_extended_also_while_somebody_else_deals() {
    let world = World::new().await;
    let running = member(&world).await;
    until("all", async || shards(&world).await == [64]).await;
    let member = async || world.ask("member", "FROM xos_sync_members WHERE lease_until > 0").await;
    let before = member().await;
    let lock = "SELECT FROM pg_advisory_xact_lock(hashtext(current_schema() || '/farm'))";
    let open = Open::new(&world, lock);
    // Three leases long.
    for at in 1..=12 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        world.farm(&format!("farm{at}")).await;
        until("the farm", async || world.backend.names().len() == at).await;
    }
    // It would be struck out by anybody who came now if its lease were over.
    let over = "FROM xos_sync_members WHERE lease_until < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    assert_eq!(world.ask("member", over).await, [""; 0]);
    open.commit();
    let second = self::member(&world).await;
    until("two halves", async || shards(&world).await == [32, 32]).await;
    assert!(member().await.contains(&before[0]));
    running.stop().await;
    second.stop().await;
}

/// Saves what it made once it is let on.
#[sync_step(provides = Farm, synchronizer = "late", interval = 3600)]
pub struct SavesLate {
    backend: Backend,
}

impl SyncStep for SavesLate {
    async fn sync_record(&self, cx: &Context, farm: &mut xos_sync_core::Row<Farm>) -> StepResult {
        let Outcome::Done = self.backend.call("sync", &farm.name, farm.uid()).await? else {
            unreachable!()
        };
        farm.backend_id = Some("late".into());
        let saved = cx.save(farm).await;
        self.backend.note(saved.err().map_or("saved".into(), |error| error.to_string()));
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<Farm>) -> StepResult {
        Ok(Outcome::Done)
    }
}

#[tokio::test]
async fn what_a_call_saves_after_its_process_was_struck_out_is_not_saved() {
    let world = World::of(|| models().step(SavesLate::registration())).await;
    world.farm("farm").await;
    let gate = world.backend.gate("farm");
    let running = world.start().await;
    gate.entered().await;
    world.shell("DELETE FROM xos_sync_members");
    gate.open();
    until("the call's end", async || world.backend.lock().log.len() > 1).await;
    let told = "this process was silent for too long, and another one has the row by now; nothing was saved";
    assert_eq!(world.backend.log()[1], told);
    // It joins anew, and then may.
    until("the row", async || world.ask("backend_id", "FROM farms").await == ["late"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "saved"]);
}
