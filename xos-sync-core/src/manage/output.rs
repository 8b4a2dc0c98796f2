//! What a command prints.

use std::{
    fmt,
    io::{self, Write as _},
};

use crate::error::{Error, Result};

/// Prints a line on standard output.
///
/// A reader that has gone away (`status | head`) is no error: the command goes on to its end, and
/// its exit code is the same as with a reader.
pub(super) fn line(text: impl fmt::Display) -> Result<()> {
    text_as_it_is(format_args!("{text}\n"))
}

/// Prints a text that has its own line ends.
pub(super) fn text_as_it_is(text: impl fmt::Display) -> Result<()> {
    let mut output = io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Io { what: "cannot write to standard output".into(), source })
        }
        _ => Ok(()),
    }
}

/// Prints a line on standard error, if anybody reads it.
pub(super) fn error_line(text: impl fmt::Display) {
    // Nothing is left to tell the user when the terminal is gone.
    let _ = writeln!(io::stderr(), "{text}");
}
