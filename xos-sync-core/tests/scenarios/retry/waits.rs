//! How long a failed row waits, and what ends the wait. The clock of these tests stands still
//! unless they put it ahead.

use std::time::Duration;

use xos_sync_core::{Micros, schedule::Backoff};

use crate::world::{Answer, Running, World, until};

const SECOND: Duration = Duration::from_secs(1);

/// A farm that fails, after its first failure.
async fn failed() -> World {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("farm", Answer::Fail("no power"));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    world
}

/// How long the rows of a table still wait.
async fn waits(world: &World, table: &str) -> Vec<Duration> {
    let times = world.ask("retry_at", &format!("FROM {table}_sync ORDER BY object_id")).await;
    times.iter().map(|time| Micros(time.parse().unwrap()).since(world.now())).collect()
}

#[tokio::test]
async fn the_wait_doubles_up_to_the_longest_also_across_restarts() {
    let world = failed().await;
    for (attempt, full) in [1, 2, 4, 8, 16, 32, 60, 60].into_iter().enumerate() {
        let wait = waits(&world, "farms").await[0];
        let full = full * SECOND;
        assert!((full / 2..=full).contains(&wait), "{wait:?} after {} failures", attempt + 1);
        assert_eq!(world.ask("attempts", "FROM farms_sync").await, [(attempt + 1).to_string()]);
        // Each pass is a Synchronizer of its own.
        world.skip(wait - Duration::from_micros(1));
        world.pass().await;
        assert_eq!(world.backend.log(), [""; 0]);
        world.skip(Duration::from_micros(1));
        world.pass().await;
        assert_eq!(world.backend.log(), ["sync farm"]);
    }
}

#[tokio::test]
async fn rows_that_fail_together_do_not_come_back_together() {
    let world = World::new().await;
    for at in 0..50 {
        world.farm(&format!("farm{at}")).await;
        world.backend.answer(&format!("farm{at}"), Answer::Fail("no power"));
    }
    world.pass().await;
    let mut waits = waits(&world, "farms").await;
    assert!(waits.iter().all(|wait| (SECOND / 2..=SECOND).contains(wait)), "{waits:?}");
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 40, "{} different waits", waits.len());
}

#[tokio::test]
async fn success_begins_a_new_count() {
    let world = failed().await;
    world.skip(SECOND);
    world.backend.heal("farm");
    world.pass().await;
    let state = "attempts || coalesce(CAST(retry_at AS TEXT), '-') || coalesce(backend_status, '-') || coalesce(backend_class, '-')";
    assert_eq!(world.ask(state, "FROM farms_sync").await, ["0---"]);
    world.sql("UPDATE farms SET name = 'barn'").await;
    world.backend.answer("barn", Answer::Fail("no power"));
    world.pass().await;
    assert_eq!(world.ask("attempts", "FROM farms_sync").await, ["1"]);
}

#[tokio::test]
async fn a_changed_goal_ends_the_wait_and_begins_a_new_count() {
    let world = failed().await;
    for _ in 0..5 {
        world.skip(60 * SECOND);
        world.pass().await;
    }
    world.backend.log();
    world.sql("UPDATE farms SET name = 'barn'").await;
    world.backend.answer("barn", Answer::Fail("still no power"));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync barn"]);
    assert_eq!(world.ask("attempts", "FROM farms_sync").await, ["1"]);
    assert_eq!(
        world.troubles().await,
        ["Farm barn (#1) failed (transient, 1 time): still no power"]
    );
}

#[tokio::test]
async fn a_goal_that_changed_while_its_call_failed_is_tried_at_once() {
    let world = World::new().await;
    world.farm("farm").await;
    let gate = world.backend.gate("sync farm");
    let running = world.start().await;
    gate.entered().await;
    world.sql("UPDATE farms SET name = 'barn'").await;
    world.backend.answer("sync farm", Answer::Fail("no such name"));
    gate.open();
    until("the new goal", async || world.backend.names() == ["barn"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_person_can_end_the_wait() {
    let world = failed().await;
    world.shell("UPDATE farms_sync SET retry_at = NULL");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    assert_eq!(world.ask("attempts", "FROM farms_sync").await, ["2"]);
}

#[tokio::test]
async fn a_wait_that_a_wrong_clock_wrote_is_over() {
    let world = failed().await;
    let retry_at = world.now().after(30 * 24 * 3600 * SECOND).0;
    world.sql(&format!("UPDATE farms_sync SET retry_at = {retry_at}")).await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn a_failed_row_comes_back_by_itself() {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("farm", Answer::Fail("no power"));
    let quick = Backoff { first: SECOND / 50, longest: SECOND / 50 };
    let synchronizer = world.builder().clock(Micros::now).backoff(quick).build().await.unwrap();
    let running = Running::start(synchronizer);
    until("some failures", async || world.backend.lock().log.len() > 3).await;
    world.backend.heal("farm");
    until("the farm", async || world.backend.names() == ["farm"]).await;
    running.stop().await;
    assert!(world.status().await.is_settled());
}
