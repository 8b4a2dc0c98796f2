//! Synchronizers as service authors write them: see the examples of this package. Here is what their
//! stories have in common.

mod sync;
mod tell;

pub use sync::Sync;
pub use tell::{logs, status, title, troubles};

/// What an example's functions return.
pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error>>;
