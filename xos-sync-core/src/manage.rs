//! The command line that a service author's binary gets, as Django's `manage.py`: one match,
//! one function each.

mod commands;
mod log;
mod output;
mod progress;
mod rows;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::error::{Error, RegistryError, chain, one_line};

const EXIT_CODES: &str = "Exit codes:
  0  success
  1  an error
  2  arguments that make no sense
  3  of `status` and `run --once`: a row or a step's listing has failed; of `status` also: the database
     takes no writes, a process cannot write or notify, a feed is down, or no process serves a step
     although its Synchronizer runs";

/// What the command line says.
#[derive(Debug, Parser)]
#[command(
    about = "Keeps the backend in line with the goal state in the database",
    version,
    after_help = EXIT_CODES
)]
struct Arguments {
    /// The goal state's database: sqlite://PATH or postgres://USER@HOST/DATABASE.
    #[arg(
        long,
        global = true,
        env = "XOS_DATABASE_URL",
        default_value = "sqlite://xos.db",
        value_name = "URL"
    )]
    database: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a Synchronizer until it is interrupted.
    #[command(after_help = EXIT_CODES)]
    Run(Run),
    /// Show how many rows are in line, what is wrong with the others, and whether anything runs.
    #[command(after_help = EXIT_CODES)]
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print what depends on what: the dependency listing (JSON), or a drawing.
    Dmdot(Dmdot),
    /// Bring the database's tables up to date.
    Migrate,
    /// Try failed rows again now, without waiting.
    Retry(Retry),
    /// Publish what changes in the database on a message bus, until interrupted.
    Bridge {
        /// The bus: xmpp://… or nats://…, where they are built in.
        #[arg(long, value_name = "URL", env = "XOS_BUS_URL")]
        to: String,
        /// Do not listen to the server's notifications: a query each second finds changes.
        #[arg(long)]
        no_notifications: bool,
    },
    /// Check that models, steps and database fit together.
    Check,
}

/// How to run.
#[derive(Debug, clap::Args)]
struct Run {
    /// Which Synchronizer, when the program has several.
    #[arg(long)]
    synchronizer: Option<String>,
    /// End when nothing is left that can be done now.
    #[arg(long)]
    once: bool,
    /// Listen for changes on this message bus too (may be repeated): xmpp://… or nats://…
    #[arg(long = "feed", value_name = "URL")]
    feeds: Vec<String>,
    /// Allow this many calls a second to the steps that draw on this budget (may be repeated):
    /// cloud=20, or cloud=20:40 for up to 40 at once after a rest.
    #[arg(long = "budget", value_name = "NAME=RATE[:BURST]")]
    budgets: Vec<crate::budget::Budget>,
    /// Calls at once, of all steps together.
    #[arg(long, value_name = "NUMBER")]
    calls: Option<usize>,
    /// Connections to the database at once.
    #[arg(long, value_name = "NUMBER")]
    connections: Option<usize>,
    /// Do not listen to the server's notifications: a query each second finds changes.
    #[arg(long)]
    no_notifications: bool,
    /// Let every step list its backend first, whatever its interval.
    #[arg(long)]
    come_round: bool,
}

/// Which rows to try again.
#[derive(Debug, clap::Args)]
struct Retry {
    /// Only rows of this model, by its name or its table's.
    model: Option<String>,
    /// Only the object with this key.
    id: Option<i64>,
    /// Rows, too, that wait because their backend asked for it: what is deferred, and what has a
    /// Retry-After.
    #[arg(long)]
    waiting: bool,
}

/// How to print the graph.
#[derive(Debug, clap::Args)]
struct Dmdot {
    /// For Graphviz.
    #[arg(long, group = "format")]
    dot: bool,
    /// For Mermaid.
    #[arg(long, group = "format")]
    mermaid: bool,
    /// Only the models of this crate, and what they reference.
    #[arg(long = "crate", value_name = "CRATE")]
    of_crate: Option<String>,
}

/// Runs the command that the program's arguments name. Logs go to standard error, as
/// `RUST_LOG` says (`info` unless it is set).
///
/// The exit code is 0 for success, 1 for an error, 2 for arguments that make no sense, and 3 of
/// `status` and `run --once` while a row or a step's listing has failed. A reader of the output that has gone away changes nothing of it.
pub fn main() -> ExitCode {
    run_command(std::env::args_os())
}

/// As [`main`], with these arguments; the first is the program's name.
pub fn run_command(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell the user when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2);
        }
    };
    #[cfg(feature = "http")]
    crate::http::provide_tls();
    log::to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(commands::run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            failed(&error);
            match error {
                Error::Usage(_) | Error::Registry(RegistryError::Which { .. }) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    output::error_line(format_args!("error: {}", one_line(&chain(error))));
    ExitCode::FAILURE
}
