//! The steps, each named after what it provides.

mod marks;

pub use marks::{SYNCHRONIZER, UID};
