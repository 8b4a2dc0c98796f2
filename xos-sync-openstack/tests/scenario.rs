//! All steps of the crate together against the loopback cloud that `tests/services/openstack` starts, with
//! the official client, `openstack`, as the witness of what is there.
//!
//! All stand in the module `loopback_cloud`: by that name `tests/run --without openstack` leaves them out.
//! Their routers lead out through the cloud's first external network, so nobody else's may come and go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "steps/database.rs"]
#[allow(dead_code)] // what tests on both engines use
mod database;
#[path = "support/loopback.rs"]
#[allow(dead_code)] // what only the client's tests use
mod loopback;
#[path = "scenario/loopback_cloud/mod.rs"]
mod loopback_cloud;
#[path = "steps/proxy.rs"]
#[allow(dead_code)] // what tests of faults use
mod proxy;
#[path = "steps/world.rs"]
#[allow(dead_code)] // what tests of faults use
mod world;
