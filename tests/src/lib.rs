//! Scenarios that cross the crates of xos-sync. Here is what several of them need.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the project is.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Builds the example of this name where the running test was built.
pub fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(Path::parent).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "-p", "xos-sync-examples", "--example", name, "--target-dir"])
        .arg(profile.parent().unwrap())
        .current_dir(root())
        .status()
        .unwrap();
    assert!(built.success());
    profile.join("examples").join(name)
}

/// A number that is set for a long run, else the usual one.
pub fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}
