//! Limits on calls: who waits for whom, that nobody starves, and that the status names them.

use std::time::{Duration, Instant};

use xos_sync_core::{
    Registry,
    budget::Budget,
    db::{Db, OpenMode},
};

use crate::world::{Answer, Crop, Farm, Field, Gate, Running, World, models, step, until};

step!(PacedFarms, Farm, synchronizer = "farm", interval = 3600, budget = "barn");
step!(PacedCrops, Crop, synchronizer = "farm", interval = 3600, budget = "barn");
step!(OtherFields, Field, synchronizer = "other", interval = 3600, budget = "barn");

/// Two steps of one Synchronizer and one of another, which draw on one budget.
fn paced() -> Registry {
    models()
        .step(PacedFarms::registration())
        .step(PacedCrops::registration())
        .step(OtherFields::registration())
}

/// A hundred calls a second.
const BARN: Budget = Budget::new("barn", 100.0);

#[tokio::test]
async fn a_budget_holds_for_all_steps_and_synchronizers_together() {
    let world = World::of(paced).await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    let begun = Instant::now();
    let build = async |name: &str| {
        let builder = world.builder().name(name).budget(BARN);
        Running::start(builder.build().await.unwrap())
    };
    let running = [build("farm").await, build("other").await];
    until("farm and field", async || world.backend.names().len() == 2).await;
    for at in 0..10 {
        world.farm(&format!("farm{at}")).await;
        world.field(&format!("field{at}"), &farm).await;
        world.crop(&format!("crop{at}"), &field).await;
    }
    until("all", async || world.backend.names().len() == 32).await;
    // The first one at once, and one each hundredth of a second.
    assert!(begun.elapsed() >= Duration::from_millis(310), "{:?}", begun.elapsed());
    for running in running {
        running.stop().await;
    }
    assert_eq!(world.backend.log().len(), 32);
}

#[tokio::test]
async fn a_restart_does_not_fill_the_bucket() {
    let world = World::of(paced).await;
    let begun = Instant::now();
    for at in 0..4 {
        world.farm(&format!("farm{at}")).await;
        let budget = Budget::new("barn", 20.0);
        world.builder().name("farm").budget(budget).build().await.unwrap().pass().await.unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
    assert_eq!(world.backend.names().len(), 4);
}

#[tokio::test]
async fn steps_that_draw_on_one_budget_take_turns() {
    let world = World::of(paced).await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    let one = async |name: &str| {
        let builder = world.builder().name(name).budget(Budget::new("barn", 500.0));
        builder.build().await.unwrap()
    };
    one("farm").await.pass().await.unwrap();
    one("other").await.pass().await.unwrap();
    for at in 0..100 {
        world.farm(&format!("farm{at}")).await;
    }
    world.crop("crop", &field).await;
    world.backend.log();
    one("farm").await.pass().await.unwrap();
    let log = world.backend.log();
    let place = log.iter().position(|call| call == "sync crop").unwrap();
    assert!(log.len() == 101 && place < 50, "{place} of {}", log.len());
}

#[tokio::test]
async fn a_step_with_many_rows_does_not_keep_others_from_their_calls() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.pass().await;
    for at in 0..100 {
        world.farm(&format!("farm{at}")).await;
        world.backend.answer(&format!("farm{at}"), Answer::Slow(Duration::from_millis(2)));
    }
    world.crop("crop", &field).await;
    world.backend.log();
    world.builder().calls(1).build().await.unwrap().pass().await.unwrap();
    let log = world.backend.log();
    let place = log.iter().position(|call| call == "sync crop").unwrap();
    assert!(log.len() == 101 && place < 50, "{place} of {}", log.len());
}

#[tokio::test]
async fn a_budget_that_is_missing_or_too_much_is_told_at_the_start() {
    let world = World::of(paced).await;
    let error = async |name: &str, budgets: &[Budget]| {
        let builder =
            budgets.iter().cloned().fold(world.builder().name(name), |b, one| b.budget(one));
        builder.build().await.err().unwrap().to_string()
    };
    assert_eq!(
        error("other", &[]).await,
        "the step OtherFields draws on the budget `barn`, which is not defined: link it with \
         `xos_sync_core::budget!(Budget::new(\"barn\", 20.0))`, or run with `--budget barn=20`; there are: none"
    );
    assert_eq!(
        error("farm", &[BARN, Budget::new("stable", 1.0)]).await,
        "no step of farm draws on the budget `stable`; they draw on: barn"
    );
    assert_eq!(
        error("farm", &[BARN.burst(0)]).await,
        "the budget barn=100:0 allows no call at all: its burst is 1 or more"
    );
}

/// A world in which crops wait, and all of their calls are held up.
async fn held_up(rows: usize) -> (World, Vec<Gate>) {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.pass().await;
    let gates = (0..rows).map(|at| world.backend.gate(&format!("sync crop{at}"))).collect();
    for at in 0..rows {
        world.crop(&format!("crop{at}"), &field).await;
    }
    (world, gates)
}

/// Waits until the status says so.
async fn told(world: &World, line: &str) {
    until(line, async || world.shown().await.contains(line)).await;
}

#[tokio::test]
async fn the_status_names_the_limit_that_binds() {
    for (calls, limit) in
        [(256, "its concurrency of 4"), (2, "the 2 calls at once of this process")]
    {
        let (world, gates) = held_up(6).await;
        let builder = world.builder().calls(calls).lease(Duration::from_secs(1));
        let running = Running::start(builder.build().await.unwrap());
        told(&world, &format!("farm/SyncCrops is held back by {limit}, ")).await;
        gates.iter().for_each(Gate::open);
        until("all", async || world.backend.names().len() == 8).await;
        until("nothing to say", async || !world.shown().await.contains("held back")).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn the_status_names_the_budget_that_binds() {
    let world = World::of(paced).await;
    for at in 0..3 {
        world.farm(&format!("farm{at}")).await;
    }
    let slow = Budget::new("barn", 0.1);
    let builder = world.builder().name("farm").budget(slow).lease(Duration::from_secs(1));
    let running = Running::start(builder.build().await.unwrap());
    told(&world, "farm/PacedFarms is held back by the budget barn=0.1:1, ").await;
    running.stop().await;
    assert_eq!(world.backend.names().len(), 1);
}

#[tokio::test]
async fn the_status_names_the_connections_when_they_are_all_in_use() {
    let world = World::new().await;
    let db = Db::open_with(&world.url(), OpenMode::Existing, 3).await.unwrap();
    assert_eq!(db.connections(), 3);
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let builder = world.builder().db(db.clone()).lease(Duration::from_secs(1));
    let running = Running::start(builder.build().await.unwrap());
    let holding = tokio::spawn(async move {
        let wait = move |_: &mut xos_sync_core::db::AnyConnection| {
            let _ = held.recv();
            Ok(())
        };
        db.run(wait).await.unwrap();
    });
    world.farm("farm").await;
    told(&world, "farm/every step is held back by the 3 connections to the database, ").await;
    hold.send(()).unwrap();
    holding.await.unwrap();
    until("the farm", async || world.backend.names() == ["farm"]).await;
    running.stop().await;
}
