//! Scenarios of the framework on SQLite: a few models, a backend that lives in memory and can
//! be told to misbehave, and the whole framework between them.

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

mod files;
mod held;
mod lock;
mod replaced;
mod types;

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

/// The engine that these tests run on.
pub const ENGINE: xos_sync_core::db::Engine = xos_sync_core::db::Engine::Sqlite;
