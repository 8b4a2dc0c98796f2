//! The log of a command, on standard error.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt,
    io::IsTerminal as _,
    panic,
};

use tracing_subscriber::{
    EnvFilter,
    field::MakeExt as _,
    fmt::format::{self, Writer},
};

use super::output;
use crate::error::{one_line, sanitize};

/// Logs to standard error as `RUST_LOG` says (`info` unless it is set), panics too. Whatever stands in a
/// message is in one line there, without secrets and control characters.
pub(super) fn to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails when the program has set up its own log, which then stays.
    let ours = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // It would say so on standard error, and panic when nobody reads that.
        .log_internal_errors(false)
        .fmt_fields(format::debug_fn(field).delimited(" "))
        .try_init();
    if ours.is_ok() {
        panic::set_hook(Box::new(log_panic));
    }
}

fn field(
    writer: &mut Writer<'_>,
    field: &tracing::field::Field,
    value: &dyn fmt::Debug,
) -> fmt::Result {
    let value = one_line(&sanitize(format!("{value:?}")));
    match field.name() {
        "message" => writer.write_str(&value),
        // What other crates log by `log`.
        name if name.starts_with("log.") => Ok(()),
        name => write!(writer, "{name}={value}"),
    }
}

/// A panic of a step is caught and told on its row; this says where it was.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let at = info.location().map(ToString::to_string).unwrap_or_default();
    let text = one_line(&sanitize(format!("panicked at {at}: {message}")));
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!("{text}");
    } else {
        output::error_line(text);
    }
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        output::error_line(backtrace);
    }
}
