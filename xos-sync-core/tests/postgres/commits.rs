//! The connection is lost around a COMMIT: what was committed is not written again, and what was
//! not is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use xos_sync_core::db::{Db, OpenMode};

use crate::{
    relay::{Fate, Relay},
    world::{Gate, Running, World, until},
};

/// A world whose own connections go by way of a relay.
async fn behind(plan: impl FnMut() -> Fate + Send + 'static) -> (World, Relay) {
    let mut world = World::new().await;
    let relay = Relay::start(&world.url(), at_commit(plan));
    world.db = Db::open(&relay.url, OpenMode::Existing).await.unwrap();
    (world, relay)
}

/// A plan for what is said with each COMMIT.
fn at_commit(mut plan: impl FnMut() -> Fate) -> impl FnMut(&mut [u8]) -> Fate {
    move |said| if said.ends_with(b"COMMIT\0") { plan() } else { Fate::Pass }
}

/// Counts up one by one, while the connection is lost at some commits, and once at least.
async fn count_up(lost: Fate) {
    let losses = Arc::new(AtomicUsize::new(0));
    let (mut commits, counted) = (0, losses.clone());
    let (world, _relay) = behind(move || {
        commits += 1;
        if commits % 3 != 2 {
            return Fate::Pass;
        }
        counted.fetch_add(1, Relaxed);
        lost
    })
    .await;
    world.shell("CREATE TABLE tally (n INTEGER); INSERT INTO tally VALUES (0)");
    for _ in 0..9 {
        world.sql("UPDATE tally SET n = n + 1").await;
    }
    assert_eq!(world.shell("SELECT n FROM tally"), "9");
    assert!(losses.load(Relaxed) >= 3);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_written_twice() {
    count_up(Fate::LoseAnswer).await;
}

#[tokio::test]
async fn a_commit_that_does_not_reach_the_server_is_not_taken_for_written() {
    count_up(Fate::LoseRequest).await;
}

#[tokio::test]
async fn commits_that_are_lost_again_and_again_cause_no_second_call() {
    let mut commits = 0;
    let (world, _relay) = behind(move || {
        commits += 1;
        match commits % 7 {
            3 => Fate::LoseAnswer,
            6 => Fate::LoseRequest,
            _ => Fate::Pass,
        }
    })
    .await;
    let running = world.start().await;
    for at in 0..10 {
        world.shell(&format!(
            "INSERT INTO farms (name) SELECT 'farm{at}-' || i FROM generate_series(1, 10) AS i; \
             INSERT INTO fields (name, farm_id) SELECT 'field of ' || name, id FROM farms WHERE name LIKE 'farm{at}-%'"
        ));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("all", async || {
        let behind = "SELECT (SELECT count(*) FROM farms_sync WHERE enacted IS NULL) \
                      + (SELECT count(*) FROM fields_sync WHERE enacted IS NULL)";
        world.shell(behind) == "0"
    })
    .await;
    running.stop().await;
    let mut log = world.backend.sorted_log();
    assert_eq!(log.len(), 200);
    log.dedup();
    assert_eq!(log.len(), 200);
    assert_eq!(world.shell("SELECT count(*) FROM xos_sync_journal"), "0");
}

/// What it holds in the database is free after a while, although nobody hung up.
#[tokio::test]
async fn a_process_that_falls_silent_in_the_middle_of_a_transaction_is_taken_over_from() {
    let silent = Arc::new(AtomicBool::new(false));
    let falls_silent = silent.clone();
    let plan = move || if falls_silent.load(Relaxed) { Fate::Silence } else { Fate::Pass };
    let mut world = World::new().await;
    assert_eq!(
        world.ask("current_setting('idle_in_transaction_session_timeout')", "").await,
        ["10s"]
    );
    let relay = Relay::start(&world.url(), at_commit(plan));
    // Not as long as it is by itself.
    let hasty = format!("{}%20-cidle_in_transaction_session_timeout%3D1s", relay.url);
    let direct =
        std::mem::replace(&mut world.db, Db::open(&hasty, OpenMode::Existing).await.unwrap());
    let member = async |world: &World| {
        Running::start(world.builder().lease(Duration::from_secs(1)).build().await.unwrap())
    };
    world.farm("farm").await;
    let gate: Gate = world.backend.gate("sync farm");
    let first = member(&world).await;
    gate.entered().await;
    silent.store(true, Relaxed);
    gate.open();
    world.db = direct;
    let second = member(&world).await;
    until("the stamp", async || {
        world.ask("object_id", "FROM farms_sync WHERE enacted = updated").await == ["1"]
    })
    .await;
    second.stop().await;
    // Its thread waits for an answer that comes when the relay ends.
    drop((first, relay));
    assert_eq!(world.backend.log(), ["sync farm", "sync farm"]);
}
