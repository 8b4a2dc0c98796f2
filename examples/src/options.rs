//! What the stories are started with.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use xos_sync_core::manage;

use crate::Fallible;

/// What each story can be told.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Leave the database and the server when all is told; the next run goes on with them.
    #[arg(long)]
    pub keep: bool,
    /// How many instances to have.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..))]
    pub instances: u16,
    /// The goal state's SQLite file; in a folder of target/ if not given.
    #[arg(long)]
    pub database: Option<PathBuf>,
    /// Go ahead where settings of a cloud are found: instances there may cost money.
    #[arg(long, env = "XOS_EXAMPLE_YES")]
    pub yes: bool,
    /// Only bring up the goal state, and end when all is in line.
    #[arg(long)]
    pub bring_up: bool,
    /// At the end, delete everything that the goal state holds.
    #[arg(long)]
    pub clean: bool,
}

/// Tells the story; or is the plain Synchronizer, when the arguments begin with one of its commands, such as
/// `status`.
pub fn main<T: Future<Output = Fallible<ExitCode>>>(
    name: &str,
    story: impl FnOnce() -> T,
) -> ExitCode {
    let is_command = |word: &str| !word.starts_with('-');
    if env::args().nth(1).as_deref().is_some_and(is_command) {
        return manage::main();
    }
    let story = story();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let told = match runtime {
        Ok(runtime) => runtime.block_on(story),
        Err(error) => Err(error.into()),
    };
    match told {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}
