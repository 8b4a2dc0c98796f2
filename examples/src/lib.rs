//! Synchronizers as service authors write them: see the examples of this package. Here is what their
//! stories have in common.

mod goal;
mod options;
mod place;
mod service;
mod sync;
mod tell;

pub use goal::{instances, rename};
pub use options::{Options, main};
pub use place::{folder, open, root};
pub use service::Service;
pub use sync::Sync;
pub use tell::{logs, offer, show_instances, status, title, troubles};

/// What an example's functions return.
pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error>>;
