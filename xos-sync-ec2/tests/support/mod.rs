//! What the tests of the EC2 client run against: moto, and servers that misbehave.

mod moto;
mod server;

use std::process::Command;

pub(crate) use moto::{Moto, script};
pub(crate) use server::{Server, error, http, zones};

/// The secret key of all clients.
pub(crate) const SECRET: &str = "the-secret-access-key";

/// The ignored test of this name in a process of its own.
pub(crate) fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}
