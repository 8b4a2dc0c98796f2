//! The EC2 Synchronizer.

pub mod client;
