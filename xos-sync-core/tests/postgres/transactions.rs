//! What transactions of others that stay open do to a running Synchronizer: nothing, but to
//! their own rows.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use xos_sync_core::event::Event;

use crate::world::{Answer, Running, World, in_line, until};

/// A `psql` in the middle of a transaction.
pub struct Open(Child);

impl Open {
    pub fn new(world: &World, sql: &str) -> Self {
        Self::at(&world.url(), sql)
    }

    pub fn at(url: &str, sql: &str) -> Self {
        let mut child = Command::new("psql")
            .args(["-qAtX", url])
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

    /// Goes on with the transaction.
    fn run(&mut self, sql: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{sql};").unwrap();
    }

    pub fn commit(mut self) {
        self.run("COMMIT");
        drop(self.0.stdin.take());
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
    let enacted = async || world.ask("name", &in_line("farms")).await;
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
async fn a_row_that_is_held_for_longer_than_a_lease_costs_no_lease() {
    let world = World::new().await;
    for name in ["held", "other"] {
        world.farm(name).await;
    }
    let gate = world.backend.gate("sync held");
    let builder = world.builder().lease(Duration::from_secs(1));
    let running = Running::start(builder.build().await.unwrap());
    gate.entered().await;
    let member = async || world.ask("member", "FROM xos_sync_members").await;
    let before = member().await;
    let open = Open::new(&world, "UPDATE farms SET backend_id = 'x' WHERE name = 'held'");
    gate.open();
    let enacted =
        async || world.ask("count(*)", "FROM farms_sync WHERE enacted = updated").await.concat();
    for at in 0..8 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        world.farm(&format!("farm{at}")).await;
        until("the new farm", async || enacted().await == (at + 2).to_string()).await;
    }
    assert_eq!(member().await, before);
    open.commit();
    until("the one that was held", async || enacted().await == "10").await;
    running.stop().await;
    assert_eq!(world.backend.log().len(), 10);
}

#[tokio::test]
async fn the_end_of_a_wait_comes_for_all_rows_but_the_one_that_is_held() {
    let world = World::new().await;
    for name in ["held", "free"] {
        world.farm(name).await;
        world.backend.answer(name, Answer::Fail("no power"));
    }
    let running = world.start().await;
    until("the failures", async || {
        world.ask("uid", "FROM farms_sync WHERE attempts = 1").await.len() == 2
    })
    .await;
    ["held", "free"].iter().for_each(|name| world.backend.heal(name));
    let open = Open::new(&world, "SELECT FROM farms_sync WHERE object_id = 1 FOR UPDATE");
    world.skip(Duration::from_secs(60));
    running.handle.send(Event::Changed);
    until("the free one", async || world.backend.names() == ["free"]).await;
    // Its stamp is not held up either.
    until("its stamp", async || world.ask("name", &in_line("farms")).await == ["free"]).await;
    open.commit();
    until("the other one", async || world.backend.names() == ["free", "held"]).await;
    running.stop().await;
}

/// Between the question that found a row of which no backend holds anything, and its removal, a
/// process may have died that had it in hand.
#[tokio::test]
async fn a_row_that_a_backend_may_hold_after_all_is_not_purged() {
    let world = World::new().await;
    world.farm("farm").await;
    world.sql("DELETE FROM farms").await;
    let mut open = Open::new(&world, "SELECT FROM farms_sync FOR UPDATE");
    let running = world.start().await;
    // Its removal waits for the row.
    tokio::time::sleep(Duration::from_millis(600)).await;
    open.run("UPDATE farms_sync SET attempted = TRUE");
    open.commit();
    until("the removal", async || world.ask("uid", "FROM farms_sync").await.is_empty()).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["delete farm"]);
}

#[tokio::test]
async fn a_parent_to_which_a_child_is_just_being_added_is_not_deleted() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let running = world.start().await;
    let open = Open::new(&world, "INSERT INTO fields (name, farm_id) VALUES ('field', 1)");
    // The writer's deletion waits for the one who adds, and is refused by the foreign key.
    let refused = world.try_sql("DELETE FROM farms");
    let (refused, ()) = tokio::join!(refused, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        open.commit();
    });
    let refused = refused.unwrap_err();
    assert!(
        refused.contains("violates foreign key constraint") || refused.contains("lock timeout"),
        "{refused}"
    );
    until("the field", async || world.backend.names() == ["farm", "field"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync field"]);
}

/// The rows and their bookkeeping are apart, so that a reader's or an application's lock on a row
/// holds up no stamp that writes no backend column.
#[tokio::test]
async fn a_lock_on_a_row_does_not_hold_up_its_deletion_at_the_backend() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    let open = Open::new(&world, "LOCK TABLE farms IN SHARE ROW EXCLUSIVE MODE");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "delete farm"]);
    assert_eq!(world.ask("uid", "FROM farms_sync").await, [""; 0]);
    open.commit();
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
    open.run("UPDATE farms SET name = 'late'");
    open.commit();
    until("the late name", async || names().await == ["late"]).await;
    running.stop().await;
}

#[tokio::test]
async fn truncate_leads_to_deletions() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.farm("other").await;
    world.field("field", &farm).await;
    let running = world.start().await;
    until("all", async || world.backend.names() == ["farm", "field", "other"]).await;
    world.backend.log();
    world.shell("TRUNCATE farms RESTART IDENTITY CASCADE; INSERT INTO farms (name) VALUES ('new')");
    until("the deletions", async || world.backend.names() == ["new"]).await;
    running.stop().await;
    let log = world.backend.log();
    let place = |call: &str| log.iter().position(|line| line == call).unwrap();
    assert!(place("delete field") < place("delete farm"), "{log:?}");
    assert_eq!(log.len(), 4, "{log:?}");
    // The new one has the key of an old one, and is another object.
    assert_eq!(world.ask("object_id || ' ' || sync_id", "FROM farms_sync").await, ["1 3"]);
}

#[tokio::test]
async fn copy_takes_rows_with_keys_of_their_own() {
    let world = World::new().await;
    let running = world.start().await;
    world.shell("COPY farms (id, name) FROM STDIN;\n7\tseven\n9\tnine\n\\.\n");
    until("both", async || world.backend.names() == ["nine", "seven"]).await;
    assert_eq!(world.ask("object_id", "FROM farms_sync ORDER BY 1").await, ["7", "9"]);
    running.stop().await;
}

/// Tools for replication and for restoring run so.
const REPLICA: &str = "SET session_replication_role = replica";

#[tokio::test]
async fn writers_for_whom_triggers_do_not_fire_are_seen_too() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    let running = world.start().await;
    until("both", async || world.backend.names() == ["farm", "field"]).await;
    world.shell(&format!("{REPLICA}; UPDATE farms SET name = 'barn'"));
    until("the change", async || world.backend.names() == ["barn", "field"]).await;
    world.shell(&format!("{REPLICA}; INSERT INTO farms (name) VALUES ('new')"));
    until("the new one", async || world.backend.names() == ["barn", "field", "new"]).await;
    // Foreign keys do not hold for them either: the parent waits for its child.
    world.shell(&format!("{REPLICA}; DELETE FROM farms WHERE name = 'barn'"));
    world.shell(&format!("{REPLICA}; DELETE FROM fields"));
    until("the deletions", async || world.backend.names() == ["new"]).await;
    running.stop().await;
    assert_eq!(
        world.backend.log(),
        ["sync farm", "sync field", "sync barn", "sync new", "delete field", "delete barn"]
    );
}

#[tokio::test]
async fn a_write_waits_for_the_lock_that_it_needs_beside_the_others() {
    let world = World::new().await;
    for name in ["held", "free"] {
        world.farm(name).await;
    }
    let open = Open::new(&world, "UPDATE farms SET name = 'changed' WHERE name = 'held'");
    let write = |statement: &'static str| {
        let db = world.db.clone();
        tokio::spawn(async move {
            db.write(move |conn| diesel::RunQueryDsl::execute(diesel::sql_query(statement), conn))
                .await
        })
    };
    let waiting = write("UPDATE farms SET backend_id = 'mine' WHERE id = 1");
    // Whatever is written meanwhile is written at once, also what came later.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..10 {
        assert_eq!(
            write("UPDATE farms SET backend_id = 'other' WHERE id = 2").await.unwrap().unwrap(),
            1
        );
    }
    assert!(!waiting.is_finished());
    open.commit();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
    assert_eq!(
        world.ask("name || ' ' || backend_id", "FROM farms ORDER BY id").await,
        ["changed mine", "free other"]
    );
}

#[tokio::test]
async fn a_lock_that_is_held_for_too_long_is_told_to_who_writes() {
    let world = World::new().await;
    world.farm("held").await;
    let open = Open::new(&world, "UPDATE farms SET name = 'changed'");
    let error = world.try_sql("UPDATE farms SET backend_id = 'mine'").await.unwrap_err();
    assert!(error.contains("lock timeout"), "{error}");
    open.commit();
    assert_eq!(world.ask("coalesce(backend_id, '')", "FROM farms").await, [""]);
}

#[tokio::test]
async fn many_writes_that_wait_for_locks_let_the_others_through_and_are_all_written() {
    const HELD: usize = 300;
    let world = World::new().await;
    world.shell(
        "INSERT INTO farms (name) VALUES ('free'); INSERT INTO farms (name) \
         SELECT 'held' || n FROM generate_series(1, 300) AS n",
    );
    let open = Open::new(&world, "UPDATE farms SET name = 'changed' || id WHERE name LIKE 'held%'");
    let write = |id: usize| {
        let db = world.db.clone();
        let statement = format!("UPDATE farms SET backend_id = 'mine' WHERE id = {id}");
        tokio::spawn(async move {
            let write = move |conn: &mut xos_sync_core::db::AnyConnection| {
                diesel::RunQueryDsl::execute(diesel::sql_query(&statement), conn)
            };
            db.write(write).await
        })
    };
    let waiting: Vec<_> = (2..2 + HELD).map(write).collect();
    for _ in 0..3 {
        assert_eq!(write(1).await.unwrap().unwrap(), 1);
    }
    assert!(waiting.iter().all(|write| !write.is_finished()));
    open.commit();
    for write in waiting {
        assert_eq!(write.await.unwrap().unwrap(), 1);
    }
    let written =
        world.ask("count(*)", "FROM farms WHERE name LIKE 'changed%' AND backend_id = 'mine'");
    assert_eq!(written.await, [HELD.to_string()]);
}
