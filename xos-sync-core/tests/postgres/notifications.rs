//! What is changed while nobody listens.

use crate::{
    fairness::{importing, new_and_last_come_first},
    world::until,
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
