//! What transactions of others that stay open do to a running Synchronizer: nothing, but to
//! their own rows.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
};

use crate::world::{World, until};

/// A `psql` in the middle of a transaction.
struct Open(Child);

impl Open {
    fn new(world: &World, sql: &str) -> Self {
        let mut child = Command::new("psql")
            .args(["-qAtX", &world.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "BEGIN; {sql}; SELECT 'open';").unwrap();
        let mut said = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(child.stdout.as_mut().unwrap()),
            &mut said,
        )
        .unwrap();
        assert!(said.ends_with("open\n"), "{said}");
        Self(child)
    }

    fn commit(mut self) {
        writeln!(self.0.stdin.take().unwrap(), "COMMIT;").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

#[tokio::test]
async fn a_row_that_is_held_by_an_open_transaction_holds_up_no_other() {
    let world = World::new().await;
    for name in ["a", "held", "c"] {
        world.farm(name).await;
    }
    let gate = world.backend.gate("sync held");
    let running = world.start().await;
    gate.entered().await;
    let open = Open::new(&world, "UPDATE farms SET name = 'changed' WHERE name = 'held'");
    gate.open();
    for name in ["d", "e"] {
        world.farm(name).await;
    }
    let enacted =
        async || world.ask("name", "FROM farms WHERE enacted = updated ORDER BY name").await;
    until("the others", async || enacted().await == ["a", "c", "d", "e"]).await;
    open.commit();
    until("the change", async || enacted().await == ["a", "c", "changed", "d", "e"]).await;
    running.stop().await;
    assert_eq!(
        world.backend.sorted_log(),
        ["sync a", "sync c", "sync changed", "sync d", "sync e", "sync held"]
    );
    assert_eq!(world.ask("ids", "FROM xos_sync_journal").await, [""; 0]);
}

#[tokio::test]
async fn a_parent_to_which_a_child_is_just_being_added_is_not_removed() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let gate = world.backend.gate("delete farm");
    world.sql("DELETE FROM farms").await;
    let running = world.start().await;
    gate.entered().await;
    let open = Open::new(&world, "INSERT INTO fields (name, farm_id) VALUES ('field', 1)");
    gate.open();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    open.commit();
    until("the reason", async || {
        world.troubles().await
            == [
                "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)",
                "Field field (#1) blocked: blocked by Farm farm (#1), which is being deleted",
            ]
    })
    .await;
    running.stop().await;
}

#[tokio::test]
async fn a_version_that_an_older_transaction_commits_late_is_not_lost() {
    let world = World::new().await;
    world.farm("farm").await;
    let running = world.start().await;
    let names = async || world.backend.names();
    until("the farm", async || names().await == ["farm"]).await;
    // Its clock stands still since its beginning; a change by another one comes before its own.
    let open = Open::new(&world, "SELECT WHERE now() IS NULL");
    world.shell("UPDATE farms SET name = 'barn'");
    until("the barn", async || names().await == ["barn"]).await;
    let mut open = open;
    writeln!(open.0.stdin.as_mut().unwrap(), "UPDATE farms SET name = 'late';").unwrap();
    open.commit();
    until("the late name", async || names().await == ["late"]).await;
    running.stop().await;
}

#[tokio::test]
async fn truncate_is_refused() {
    let world = World::new().await;
    world.farm("farm").await;
    let output = world.try_shell("TRUNCATE farms CASCADE");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("TRUNCATE would forget what the backend holds of farms: use DELETE"));
    assert_eq!(world.ask("name", "FROM farms").await, ["farm"]);
}
