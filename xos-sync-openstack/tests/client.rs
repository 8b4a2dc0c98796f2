//! The OpenStack client against the loopback cloud that `tests/services/openstack` starts, and against
//! servers that misbehave.
//!
//! Tests that need the cloud stand in the module `loopback_cloud`: by that name
//! `tests/run --without openstack` leaves them out. Each works in a domain of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "client/configuration.rs"]
mod configuration;
#[path = "client/log.rs"]
mod log;
#[path = "client/loopback_cloud/mod.rs"]
mod loopback_cloud;
#[path = "client/misbehaving.rs"]
mod misbehaving;
mod support;
