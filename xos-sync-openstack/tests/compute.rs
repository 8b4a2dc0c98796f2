//! The steps for networks, ports, instances, nodes and flavors against the loopback cloud that
//! `tests/services/openstack` starts, with the client as the witness of what is there.
//!
//! All stand in the module `loopback_cloud`: by that name `tests/run --without openstack` leaves them out.
//! Each works in a domain of its own, one after the other, because they count the cloud's requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "compute/loopback_cloud/mod.rs"]
mod loopback_cloud;
#[allow(dead_code, unused_imports)] // what only the client's tests use
mod support;
