//! The steps against the loopback cloud that `tests/services/openstack` starts, with the client as the
//! witness of what is there. A proxy between them counts calls and makes some fail.
//!
//! Each test has domains of its own. All stand in the module `loopback_cloud`: by that name
//! `tests/run --without openstack` leaves them out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/loopback.rs"]
#[allow(dead_code)] // what only the client's tests use
mod loopback;
#[path = "steps/database.rs"]
mod database;
#[path = "steps/loopback_cloud/mod.rs"]
mod loopback_cloud;
#[path = "steps/proxy.rs"]
mod proxy;
#[path = "steps/world.rs"]
#[allow(dead_code)] // what only the scenario uses
mod world;
