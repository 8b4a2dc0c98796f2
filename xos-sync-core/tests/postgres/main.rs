//! Scenarios of the framework on PostgreSQL, and what only a server can do to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]
#![allow(
    unreachable_pub,
    reason = "models are public, and nothing of a test is reached from outside"
)]

mod chaos;
mod commits;
#[path = "expansion.rs"]
mod concurrent_expansion;
mod failover;
mod members;
mod messages;
mod notifications;
mod pooler;
mod relay;
mod server;
mod site;
mod storm;
mod tls;
mod transactions;
mod versions;
mod writers;

// The scenarios are the same on every engine.
#[path = "../scenarios/bridge.rs"]
mod bridge;
#[path = "../scenarios/by_hand.rs"]
mod by_hand;
#[path = "../scenarios/crash/mod.rs"]
mod crash;
#[path = "../scenarios/deletion/mod.rs"]
mod deletion;
#[path = "../scenarios/events.rs"]
mod events;
#[path = "../scenarios/expansion.rs"]
mod expansion;
#[path = "../scenarios/fairness.rs"]
mod fairness;
#[path = "../scenarios/isolation.rs"]
mod isolation;
#[path = "../scenarios/limits.rs"]
mod limits;
#[path = "../scenarios/listing/mod.rs"]
mod listing;
#[path = "../scenarios/migrations.rs"]
mod migrations;
#[path = "../scenarios/order.rs"]
mod order;
#[path = "../scenarios/orms/mod.rs"]
mod orms;
#[path = "../scenarios/pending/mod.rs"]
mod pending;
#[path = "../scenarios/repairs.rs"]
mod repairs;
#[path = "../scenarios/regressions/mod.rs"]
mod regressions;
#[path = "../scenarios/retry/mod.rs"]
mod retry;
#[path = "../scenarios/schema.rs"]
mod schema;
#[path = "../scenarios/sides.rs"]
mod sides;
#[path = "../scenarios/start.rs"]
mod start;
#[path = "../scenarios/synchronizers.rs"]
mod synchronizers;
#[path = "../scenarios/world/mod.rs"]
mod world;
#[path = "../scenarios/writes.rs"]
mod writes;

/// A number from the environment, for runs that are larger than the usual one.
fn setting(name: &str, unless_set: u64) -> u64 {
    std::env::var(name).map_or(unless_set, |value| value.parse().unwrap())
}

/// The engine that these tests run on.
pub const ENGINE: xos_sync_core::db::Engine = xos_sync_core::db::Engine::Postgres;
