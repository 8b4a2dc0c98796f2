//! Contract C6 between several sides: what is in trouble on one of them holds up nothing on the others.

use std::time::Duration;

use xos_sync_core::{Id, Registry, model};

use crate::world::{Answer, World, step};

/// Where flour is made.
#[model(table = mills)]
pub struct Mill {
    /// Its key.
    pub id: Id<Mill>,
    /// Its name.
    pub name: String,
}

/// Where people live.
#[model(table = valleys)]
pub struct Valley {
    /// Its key.
    pub id: Id<Valley>,
    /// Its name.
    pub name: String,
}

/// A valley as a mill knows it.
#[model(
    table = mill_valleys,
    unique(valley_id, mill_id),
    expand(v in Valley, m in Mill, valley_id = v.id, mill_id = m.id)
)]
pub struct MillValley {
    /// Its key.
    pub id: Id<MillValley>,
    /// The valley.
    #[references(Valley, on_delete = cascade)]
    pub valley_id: Id<Valley>,
    /// The mill.
    #[references(Mill, on_delete = cascade)]
    pub mill_id: Id<Mill>,
    /// What it is called.
    #[default("")]
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// Somebody who lives in a valley.
#[model(table = millers)]
pub struct Miller {
    /// Its key.
    pub id: Id<Miller>,
    /// The name.
    pub name: String,
    /// Where.
    #[references(Valley)]
    pub valley_id: Id<Valley>,
}

/// A miller as a mill knows them.
#[model(
    table = mill_millers,
    unique(miller_id, mill_id),
    expand(p in Miller, m in Mill, miller_id = p.id, mill_id = m.id)
)]
pub struct MillMiller {
    /// Its key.
    pub id: Id<MillMiller>,
    /// The miller.
    #[references(Miller, on_delete = cascade)]
    pub miller_id: Id<Miller>,
    /// The mill.
    #[references(Mill, on_delete = cascade)]
    pub mill_id: Id<Mill>,
    /// What it is called.
    #[default("")]
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A cart, which goes to one mill, or to none.
#[model(table = carts)]
pub struct Cart {
    /// Its key.
    pub id: Id<Cart>,
    /// Where to.
    #[references(Mill)]
    pub mill_id: Option<Id<Mill>>,
}

/// A sack of a miller's, which leads to a mill by its cart.
#[model(table = sacks)]
pub struct Sack {
    /// Its key.
    pub id: Id<Sack>,
    /// What it is called.
    pub name: String,
    /// Whose.
    #[references(Miller)]
    pub miller_id: Id<Miller>,
    /// On what.
    #[references(Cart)]
    pub cart_id: Id<Cart>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A bargain of a miller's between two mills, neither of which is the one where it belongs.
#[model(table = bargains)]
pub struct Bargain {
    /// Its key.
    pub id: Id<Bargain>,
    /// What it is called.
    pub name: String,
    /// Whose.
    #[references(Miller)]
    pub miller_id: Id<Miller>,
    /// Who gives.
    #[references(Mill)]
    pub from_id: Id<Mill>,
    /// Who takes.
    #[references(Mill)]
    pub to_id: Id<Mill>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncMillValleys, MillValley as Valley, synchronizer = "farm", interval = 3600);
step!(SyncMillMillers, MillMiller as Miller, synchronizer = "farm", interval = 3600);
step!(SyncSacks, Sack, synchronizer = "farm", interval = 3600);
step!(SyncBargains, Bargain, synchronizer = "farm", interval = 3600);

fn registry() -> Registry {
    let registry = Registry::default().model::<Mill>().unwrap().model::<Valley>().unwrap();
    let registry = registry.model::<MillValley>().unwrap().model::<Miller>().unwrap();
    let registry = registry.model::<MillMiller>().unwrap().model::<Cart>().unwrap();
    let registry = registry.model::<Sack>().unwrap().model::<Bargain>().unwrap();
    registry
        .step(SyncMillValleys::registration())
        .step(SyncMillMillers::registration())
        .step(SyncSacks::registration())
        .step(SyncBargains::registration())
}

/// Two mills, a valley, a miller with a sack for each mill and one for none, and a bargain.
async fn land() -> World {
    let world = World::of(registry).await;
    for statement in [
        "INSERT INTO mills (name) VALUES ('one'), ('two')",
        "INSERT INTO valleys (name) VALUES ('valley')",
        "INSERT INTO millers (name, valley_id) VALUES ('miller', 1)",
        "INSERT INTO carts (mill_id) VALUES (1), (2), (NULL)",
        "INSERT INTO sacks (name, miller_id, cart_id) VALUES ('sack 1', 1, 1), ('sack 2', 1, 2), \
             ('sack', 1, 3)",
        "INSERT INTO bargains (name, miller_id, from_id, to_id) VALUES ('bargain', 1, 1, 2)",
        "UPDATE mill_valleys SET name = 'valley ' || mill_id",
        "UPDATE mill_millers SET name = 'miller ' || mill_id",
    ] {
        world.sql(statement).await;
    }
    world
}

#[tokio::test]
async fn a_side_that_is_down_holds_up_only_what_leads_to_it() {
    let world = land().await;
    world.backend.answer("valley 2", Answer::Fail("down"));
    world.pass().await;
    assert_eq!(
        world.backend.sorted_log(),
        ["sync miller 1", "sync sack 1", "sync valley 1", "sync valley 2"]
    );
    assert_eq!(
        world.troubles().await,
        [
            "MillValley valley 2 (#2) failed (transient, 1 time): down",
            "Bargain bargain (#1) blocked: blocked by MillValley valley 2 (#2), which failed: down",
            "MillMiller miller 2 (#2) blocked: blocked by MillValley valley 2 (#2), which failed: down",
            "Sack sack 2 (#2) blocked: blocked by MillValley valley 2 (#2), which failed: down",
            "Sack sack (#3) blocked: blocked by MillValley valley 2 (#2), which failed: down",
        ]
    );
    world.backend.heal("valley 2");
    world.skip(Duration::from_secs(2));
    world.pass().await;
    assert_eq!(
        world.backend.sorted_log(),
        ["sync bargain", "sync miller 2", "sync sack", "sync sack 2", "sync valley 2"]
    );
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn what_is_blamed_is_on_the_side_of_what_waits() {
    let world = land().await;
    world.backend.answer("valley 2", Answer::Fail("down"));
    world.backend.answer("miller 1", Answer::Fail("ill"));
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["sync miller 1", "sync valley 1", "sync valley 2"]);
    assert_eq!(
        world.troubles().await,
        [
            "MillValley valley 2 (#2) failed (transient, 1 time): down",
            "MillMiller miller 1 (#1) failed (transient, 1 time): ill",
            "Bargain bargain (#1) blocked: blocked by MillValley valley 2 (#2), which failed: down",
            "MillMiller miller 2 (#2) blocked: blocked by MillValley valley 2 (#2), which failed: down",
            "Sack sack 1 (#1) blocked: blocked by MillMiller miller 1 (#1), which failed: ill",
            "Sack sack 2 (#2) blocked: blocked by MillValley valley 2 (#2), which failed: down",
            "Sack sack (#3) blocked: blocked by MillValley valley 2 (#2), which failed: down",
        ]
    );
}
