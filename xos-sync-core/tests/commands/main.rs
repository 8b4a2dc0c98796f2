//! The command line, as a program of its own: its output, its exit codes, its log.
//!
//! This program is the author's program when its environment says so, and the tests of it
//! otherwise. The test harness would write on the output that is tested, so there is none here.

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

mod databases;
mod hostile;
#[cfg(feature = "http")]
mod http_client;
mod output;
mod program;
mod retry;

use std::{panic::UnwindSafe, process::ExitCode, thread};

/// A test and its name.
pub type Test = (&'static str, fn());

fn main() -> ExitCode {
    if program::is_wanted() {
        return xos_sync_core::manage::main();
    }
    let mut tests: Vec<Test> = Vec::new();
    tests.extend(output::TESTS);
    tests.extend(hostile::TESTS);
    tests.extend(retry::TESTS);
    #[cfg(feature = "http")]
    tests.extend(http_client::TESTS);
    run(&wanted(tests))
}

/// The tests that the arguments of `cargo test` select: names, and `--skip NAME`.
fn wanted(tests: Vec<Test>) -> Vec<Test> {
    let (mut only, mut skipped) = (Vec::new(), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--skip" => skipped.extend(arguments.next()),
            "--test-threads" => drop(arguments.next()),
            flag if flag.starts_with('-') => {}
            _ => only.push(argument),
        }
    }
    let names =
        |name: &str, parts: &[String]| parts.iter().any(|part| name.contains(part.as_str()));
    tests
        .into_iter()
        .filter(|(name, _)| only.is_empty() || names(name, &only))
        .filter(|(name, _)| !names(name, &skipped))
        .collect()
}

fn run(tests: &[Test]) -> ExitCode {
    println!("\nrunning {} tests", tests.len());
    let mut failed = Vec::new();
    thread::scope(|scope| {
        let running: Vec<_> =
            tests.iter().map(|(name, test)| (name, scope.spawn(move || caught(*test)))).collect();
        for (name, thread) in running {
            let passed = thread.join().is_ok_and(|passed| passed);
            println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
            if !passed {
                failed.push(name);
            }
        }
    });
    println!("\n{} passed; failed: {failed:?}\n", tests.len() - failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

fn caught(test: impl FnOnce() + UnwindSafe) -> bool {
    std::panic::catch_unwind(test).is_ok()
}

/// A list of test functions with their names.
#[macro_export]
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        /// The tests of this file.
        pub const TESTS: &[$crate::Test] =
            &[$((concat!(module_path!(), "::", stringify!($test)), $test)),*];
    };
}
