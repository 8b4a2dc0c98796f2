//! What is changed while nobody listens.

use crate::{
    fairness::{importing, new_and_last_come_first},
    world::{Running, World, until},
};

/// The connection that listens is ended in the transaction that changes the rows.
const UNHEARD: &str = "BEGIN; \
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
    WHERE datname = current_database() AND query LIKE 'LISTEN%' \
    AND query LIKE '%' || current_schema() || '%'; \
    INSERT INTO farms (name) VALUES ('new'); \
    UPDATE farms SET name = 'last' WHERE name = 'f3000'; COMMIT";

#[tokio::test]
async fn a_change_of_which_nobody_heard_is_not_stuck_behind_an_import_either() {
    let (world, running, gates) = importing().await;
    let listens = async || {
        let waiting = "FROM pg_stat_activity WHERE datname = current_database() \
             AND query LIKE 'LISTEN%' || current_schema() || '%' AND state = 'idle'";
        !world.ask("1", waiting).await.is_empty()
    };
    until("who listens", listens).await;
    world.shell(UNHEARD);
    new_and_last_come_first(world, running, gates).await;
}

#[tokio::test]
async fn a_probe_finds_changes_where_notifications_are_switched_off() {
    let world = World::new().await;
    let builder = world.builder().without_notifications();
    let running = Running::start(builder.build().await.unwrap());
    for at in 0..3 {
        world.shell(&format!("INSERT INTO farms (name) VALUES ('farm{at}')"));
        until("the farm", async || world.backend.names().len() == at + 1).await;
    }
    let listening = "FROM pg_stat_activity WHERE datname = current_database() \
         AND query LIKE 'LISTEN%' || current_schema() || '%'";
    assert!(world.ask("1", listening).await.is_empty());
    running.stop().await;
}

/// A trigger refuses commits as the server does when its notification queue is full, unless the
/// transaction has switched notifications off.
#[tokio::test]
async fn a_write_that_may_not_notify_is_written_without() {
    let world = World::new().await;
    world.shell(
        "CREATE FUNCTION full_queue() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF coalesce(current_setting('xos_sync.notifications', true), '') <> 'off' THEN \
         RAISE EXCEPTION 'too many notifications in the NOTIFY queue'; END IF; RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER full_queue AFTER UPDATE ON farms DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION full_queue()",
    );
    world.farm("farm").await;
    assert_eq!(world.pass().await.enacted, 1);
    assert!(world.status().await.is_settled());
    assert_eq!(world.backend.log(), ["sync farm"]);
    // A process that goes on says so.
    let builder = world.builder().lease(std::time::Duration::from_secs(1));
    let running = Running::start(builder.build().await.unwrap());
    world.farm("next").await;
    until("the trouble", async || {
        let status = world.status().await;
        let told = "a process of farm has trouble since ";
        status.has_failed() && status.to_string().lines().any(|line| line.starts_with(told))
    })
    .await;
    running.stop().await;
}
