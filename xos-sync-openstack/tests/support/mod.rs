//! What the tests of the OpenStack client run against: the loopback cloud, and servers that misbehave.

mod loopback;
mod server;

use std::process::Command;

pub(crate) use loopback::{Loopback, eventually};
pub(crate) use server::{Answer, PASSWORD, Server, TOKEN, token};

/// The ignored test of this name in a process of its own.
pub(crate) fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}
