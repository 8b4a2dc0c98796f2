//! What the tests of the EC2 client run against: moto, and servers that misbehave.

mod moto;
mod server;

pub(crate) use moto::{Moto, script};
pub(crate) use server::{Server, error, http, zones};

/// The secret key of all clients.
pub(crate) const SECRET: &str = "the-secret-access-key";
