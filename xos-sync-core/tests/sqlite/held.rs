//! A file that another program holds, or has written into as it likes.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crate::world::{Answer, Running, World, until};

#[tokio::test]
async fn a_database_that_somebody_else_holds_loses_nothing() {
    let world = World::new().await;
    for at in 0..20 {
        let farm = world.farm(&format!("farm{at}")).await;
        world.field(&format!("field{at}"), &farm).await;
    }
    let running = world.start().await;
    let mut holder = Command::new("sqlite3")
        .args(["-cmd", ".timeout 5000", &world.url()])
        .args([
            "BEGIN IMMEDIATE",
            "UPDATE farms SET backend_id = backend_id",
            ".shell sleep 1.5",
            "COMMIT",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("all", async || world.backend.names().len() == 40).await;
    let ended = tokio::task::spawn_blocking(move || holder.wait().unwrap().success());
    assert!(ended.await.unwrap());
    until("the stamps", async || world.status().await.is_settled()).await;
    running.stop().await;
    assert_eq!(world.backend.log().len(), 40);
}

#[tokio::test]
async fn no_more_is_taken_in_hand_while_the_journal_cannot_be_written() {
    let world = World::new().await;
    world.shell(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
         INSERT INTO farms (name) SELECT 'f' || i FROM n",
    );
    for at in 1..=8 {
        world.backend.answer(&format!("f{at}"), Answer::Hang);
    }
    // The first run enters the steps; the second finds the database held by somebody else.
    let synchronizer = world.synchronizer().await;
    world.sql("UPDATE farms_sync SET no_sync = TRUE").await;
    synchronizer.pass().await.unwrap();
    world.sql("UPDATE farms_sync SET no_sync = FALSE").await;
    let mut holder = Command::new("sqlite3")
        .args(["-cmd", ".timeout 5000", &world.url()])
        .args([
            "BEGIN IMMEDIATE",
            "UPDATE farms SET name = name WHERE id = 0",
            ".shell sleep 1.5",
            "COMMIT",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let running = Running::start(synchronizer);
    until("the calls", async || world.backend.lock().log.len() == 8).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let commas = "coalesce(sum(length(ids) - length(replace(ids, ',', '')) + 1), 0)";
    let in_hand: u32 = world.ask(commas, "FROM xos_sync_journal").await[0].parse().unwrap();
    assert!((8..=1024).contains(&in_hand), "{in_hand} rows in hand");
    drop(running);
    assert!(holder.wait().unwrap().success());
}

#[tokio::test]
async fn a_parent_that_a_shell_deleted_before_its_children_waits_for_them() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    // The program `sqlite3` does not look after foreign keys unless it is told to.
    world.shell("DELETE FROM farms");
    assert_eq!(world.pass().await.deleted, 0);
    assert_eq!(
        world.troubles().await,
        ["Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)"]
    );
    // A child that comes later holds it too, and waits.
    world.shell("INSERT INTO fields (name, farm_id) VALUES ('late', 1); DELETE FROM fields WHERE name = 'field'");
    assert_eq!(world.pass().await.deleted, 1);
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm (#1) deleting: waits until Field #2 no longer references it (farm_id)",
            "Field late (#2) blocked: blocked by Farm farm (#1), which is being deleted",
        ]
    );
    world.shell("DELETE FROM fields");
    assert_eq!(world.pass().await.deleted, 2);
    assert_eq!(world.backend.log(), ["delete field", "delete farm"]);
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}

#[tokio::test]
async fn a_child_that_is_added_while_its_parent_is_deleted_keeps_the_parents_tombstone() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    let call = world.backend.gate("delete farm");
    let added = async {
        call.entered().await;
        world.shell("INSERT INTO fields (name, farm_id) VALUES ('field', 1)");
        call.open();
    };
    let (report, ()) = tokio::join!(world.pass(), added);
    assert_eq!((report.deleted, report.enacted), (0, 0));
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)",
            "Field field (#1) blocked: blocked by Farm farm (#1), which is being deleted",
        ]
    );
    // The person decides: the field goes too.
    world.sql("DELETE FROM fields").await;
    assert_eq!(world.pass().await.deleted, 2);
    assert_eq!(world.backend.log(), ["sync farm", "delete farm", "delete farm"]);
}

#[tokio::test]
async fn a_reference_to_a_row_that_does_not_exist_is_shown() {
    let world = World::new().await;
    // The program `sqlite3` does not look after foreign keys unless it is told to.
    world.shell("INSERT INTO fields (name, farm_id) VALUES ('field', 9)");
    world.farm("farm").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    assert_eq!(
        world.troubles().await,
        ["Field field (#1) blocked: blocked by Farm #9, which does not exist"]
    );
}
