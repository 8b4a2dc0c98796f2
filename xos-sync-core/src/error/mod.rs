//! Errors: the framework's own, and the ones that authors' steps return.

mod backend;
mod class;
mod framework;
mod reason;
mod registry;
mod step;
mod text;

use std::error::Error as StdError;

pub use backend::BackendError;
pub use class::BackendClass;
pub use framework::{Error, Result};
pub use reason::Reason;
pub use registry::RegistryError;
pub use step::{ErrorClass, StepError};
#[cfg(feature = "http")]
pub use text::Secrets;
#[cfg(feature = "manage")]
pub(crate) use text::escape_json;
pub use text::one_line;
pub(crate) use text::{Known, cell, redact, sanitize};

/// An error and its causes, each said once, without credentials and control characters.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    sanitize(text)
}
