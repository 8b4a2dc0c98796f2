//! Errors: the framework's own, and the ones that authors' steps return.

mod backend;
mod framework;
mod redact;
mod registry;
mod step;

use std::error::Error as StdError;

pub use backend::BackendError;
pub use framework::{Error, Result};
pub(crate) use redact::redact;
pub use registry::RegistryError;
pub use step::{ErrorClass, StepError};

/// An error and its causes in one line, each said once, without credentials.
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
    redact::redact(text)
}
