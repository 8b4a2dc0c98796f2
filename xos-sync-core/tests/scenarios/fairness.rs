//! What a person changes does not stand behind a bulk import, and the import goes on too.

use crate::world::{Gate, Running, World, until};

/// A world in which 3,000 imported farms wait for eight calls that are held up.
pub async fn importing() -> (World, Running, Vec<Gate>) {
    let world = World::new().await;
    let gates: Vec<_> = (1..=8).map(|at| world.backend.gate(&format!("sync f{at}"))).collect();
    world.shell(
        "INSERT INTO farms (name) WITH RECURSIVE n (i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT 'f' || i FROM n",
    );
    let running = world.start().await;
    for gate in &gates {
        gate.entered().await;
    }
    (world, running, gates)
}

/// Waits until the rows with these keys wait for their calls.
async fn in_hand(world: &World, ids: &[i64]) {
    until("their place in the journal", async || {
        let lines = world.ask("',' || ids || ','", "FROM xos_sync_journal").await.concat();
        ids.iter().all(|id| lines.contains(&format!(",{id},")))
    })
    .await;
    // And a moment, so that they are in their queue.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

fn place(log: &[String], call: &str) -> usize {
    log.iter().position(|line| line == call).unwrap()
}

/// Of the import and the farms 3000 and 3001, which somebody has just called so.
pub async fn new_and_last_come_first(world: World, running: Running, gates: Vec<Gate>) {
    in_hand(&world, &[3000, 3001]).await;
    gates.iter().for_each(Gate::open);
    until("all", async || world.backend.names().len() == 3001).await;
    running.stop().await;
    let log = world.backend.log();
    for call in ["sync new", "sync last"] {
        assert!(place(&log, call) < 40, "{call} was the {}th call", place(&log, call));
    }
}

#[tokio::test]
async fn a_change_by_a_person_is_not_stuck_behind_an_import() {
    let (world, running, gates) = importing().await;
    world.shell("INSERT INTO farms (name) VALUES ('new')");
    world.shell("UPDATE farms SET name = 'last' WHERE name = 'f3000'");
    new_and_last_come_first(world, running, gates).await;
}

#[tokio::test]
async fn an_import_goes_on_beside_many_changes_by_people() {
    let (world, running, gates) = importing().await;
    let changes: String =
        (0..60).map(|at| format!("INSERT INTO farms (name) VALUES ('new{at}');")).collect();
    world.shell(&changes);
    in_hand(&world, &(3001..=3060).collect::<Vec<_>>()).await;
    gates.iter().for_each(Gate::open);
    until("all", async || world.backend.names().len() == 3060).await;
    running.stop().await;
    let log = world.backend.log();
    let last_change = (0..60).map(|at| place(&log, &format!("sync new{at}"))).max().unwrap();
    let imported = log[8..last_change].iter().filter(|call| call.starts_with("sync f")).count();
    assert!((8..60).contains(&imported), "{imported} of the import before the last change");
}
