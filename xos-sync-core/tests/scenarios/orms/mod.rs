//! Contract C2 with the libraries that applications use: what they write on the author's table works as on
//! any other table, and each change leads to the calls that it should, and to no others.

mod client;
mod django;
mod jdbc;
mod models;
mod sqlalchemy;

use xos_sync_core::event::Event;

use crate::world::World;

use client::Client;
use models::registry;

/// The columns of the author, as a client sees them.
const COLUMNS: &str = "id name trees note version backend_id";

/// The calls that the changes so far lead to, in order.
async fn calls(world: &World) -> Vec<String> {
    world.pass().await;
    world.backend.log()
}

/// The same after the tables were compared.
async fn calls_of_a_resync(world: &World) -> Vec<String> {
    let synchronizer = world.synchronizer().await;
    synchronizer.handle().send(Event::ComeRound);
    synchronizer.pass().await.unwrap();
    world.backend.log()
}

/// Runs operations of a client, each with the answer that it gets and the calls that follow from it.
async fn story(world: &World, client: &mut Client, told: &[(&str, &str, &[&str])]) {
    for (operation, answer, expected) in told {
        assert_eq!(client.ask(operation), *answer, "{operation}");
        assert_eq!(calls(world).await, *expected, "{operation}");
    }
}

/// The table, its bookkeeping and the backend agree on these orchards, and nothing else is left.
async fn agree(world: &World, client: &mut Client, names: &[&str]) {
    assert_eq!(client.ask("columns"), format!("ok {COLUMNS}"));
    assert_eq!(world.ask("name", "FROM orchards ORDER BY name").await, names);
    assert_eq!(world.backend.names(), names);
    let kept = "FROM orchards_sync AS s JOIN orchards AS o ON o.id = s.object_id \
                WHERE NOT s.deleted AND s.enacted >= s.updated ORDER BY o.name";
    assert_eq!(world.ask("o.name", kept).await, names);
    assert_eq!(world.ask("count(*)", "FROM orchards_sync").await, [names.len().to_string()]);
    assert_eq!(calls_of_a_resync(world).await, [""; 0], "the tables are in line without a repair");
}
