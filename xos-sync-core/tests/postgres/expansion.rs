//! Rows that follow from others, made by transactions that do not see each other.

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

use crate::{
    expansion::farm,
    transactions::Open,
    world::{World, living, until},
};

fn open(world: &World, statement: &str) -> PgConnection {
    let mut connection = PgConnection::establish(&world.url()).unwrap();
    connection
        .batch_execute(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; {statement}"))
        .unwrap();
    connection
}

#[tokio::test]
async fn of_two_transactions_that_combine_the_later_one_makes_the_row() {
    let world = farm().await;
    world.shell("UPDATE plots SET worked = FALSE");
    let mut one = open(&world, "INSERT INTO ways (shed_id, plot_id) VALUES (1, 1)");
    let mut other = open(&world, "UPDATE plots SET worked = TRUE WHERE id = 1");
    // Neither waits for the other before it commits.
    one.batch_execute("COMMIT").unwrap();
    assert_eq!(world.ask("count(*)", "FROM shed_plots").await, ["0"]);
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(world.ask("shed_id || '-' || plot_id", "FROM shed_plots").await, ["1-1"]);
}

/// The pairs that the expansion has made, as `shed-plot`.
async fn pairs(world: &World) -> Vec<String> {
    world.ask("shed_id || '-' || plot_id", "FROM shed_plots ORDER BY 1").await
}

/// Runs two transactions of this isolation that do not see each other, and a Synchronizer until
/// the pairs are as they should be.
async fn combined(world: &World, isolation: &str, [one, other]: [&str; 2], pairs: &[&str]) {
    let isolated = |statement: &str| {
        open(world, &format!("SET TRANSACTION ISOLATION LEVEL {isolation}; {statement}"))
    };
    let (mut one, mut other) = (isolated(one), isolated(other));
    one.batch_execute("COMMIT").unwrap();
    // The server may refuse it, which its writer is told.
    let refused = other.batch_execute("COMMIT").is_err();
    assert!(!refused || isolation == "SERIALIZABLE");
    let running = world.start().await;
    until(isolation, async || refused || self::pairs(world).await == pairs).await;
    running.stop().await;
}

#[tokio::test]
async fn transactions_with_old_snapshots_leave_what_they_cannot_see_to_the_synchronizer() {
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let world = farm().await;
        world.shell("UPDATE plots SET worked = FALSE WHERE id = 1");
        let making = [
            "INSERT INTO ways (shed_id, plot_id) VALUES (1, 1)",
            "UPDATE plots SET worked = TRUE WHERE id = 1",
        ];
        combined(&world, isolation, making, &["1-1"]).await;
        // Each leaves the way that the other removes.
        world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (2, 2), (2, 2)");
        world.shell("DELETE FROM ways WHERE shed_id = 1");
        let removing = [
            "DELETE FROM ways WHERE id = (SELECT min(id) FROM ways)",
            "DELETE FROM ways WHERE id = (SELECT max(id) FROM ways)",
        ];
        combined(&world, isolation, removing, &[]).await;
    }
}

#[tokio::test]
async fn a_lock_on_an_expanded_row_holds_up_no_writer() {
    let world = farm().await;
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (1, 1), (2, 2)");
    let running = world.start().await;
    until("the pairs", async || world.backend.names().len() == 2).await;
    let stranger = Open::new(&world, "UPDATE shed_plots SET name = 'held' WHERE plot_id = 1");
    // These would wait for the stranger, each before all that come after it.
    world.shell("DELETE FROM ways WHERE plot_id = 1");
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (2, 3)");
    let made = async || world.ask("enacted > 0", &living("shed_plots")).await;
    until("the other pair", async || made().await == ["1", "1", "1"]).await;
    assert_eq!(pairs(&world).await, ["1-1", "2-2", "2-3"]);
    stranger.commit();
    until("the rest", async || pairs(&world).await == ["2-2", "2-3"]).await;
    until("the deletion", async || world.backend.names().len() == 2).await;
    running.stop().await;
}
