//! Keeps what is outside (a cloud, a CDN, DNS, storage) in line with the goal state in your own
//! SQL database.

extern crate self as xos_sync_core;

// In layer order: a module names only modules above it.
pub mod error;
pub mod db;
pub mod model;
pub mod models;
mod sql;
pub mod step;
pub mod registry;
pub mod dmdot;
pub mod schedule;
mod toposort;
mod journal;
mod pending;
mod enacted;
mod lane;
mod run;
mod pass;
pub mod event;
mod event_loop;
mod roll;
pub mod migrate;
pub mod synchronizer;
pub mod status;
#[cfg(feature = "manage")]
pub mod manage;

pub use error::StepError;
pub use model::{Id, Micros, Model, Secret};
pub use pass::Report;
pub use registry::Registry;
pub use step::{Context, Pending, StepDef, StepResult, SyncStep};
pub use synchronizer::Synchronizer;
pub use xos_sync_macros::{model, sync_step};

/// What the macros' expansions name.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        registry::{ModelRegistration, StepRegistration},
        step::observe,
    };
    pub use diesel;
    pub use inventory;
    pub use uuid;
}
