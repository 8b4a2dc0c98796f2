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

mod crash;
mod deletion;
mod events;
mod isolation;
mod listing;
mod migrations;
mod order;
mod pending;
mod regressions;
mod retry;
mod start;
mod world;
