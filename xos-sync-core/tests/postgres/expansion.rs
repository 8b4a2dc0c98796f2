//! Rows that follow from others, made by transactions that do not see each other.

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

use crate::{expansion::farm, world::World};

fn open(world: &World, statement: &str) -> PgConnection {
    let mut connection = PgConnection::establish(&world.url()).unwrap();
    connection.batch_execute(&format!("BEGIN; {statement}")).unwrap();
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
