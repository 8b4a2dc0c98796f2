//! Keeps what is outside (a cloud, a CDN, DNS, storage) in line with the goal state in your own
//! SQL database: controllers as Kubernetes has them, without Kubernetes.
//!
//! Rows say what should be. A [`Synchronizer`] finds the rows whose backend does not match yet,
//! hands each to the author's idempotent [step](SyncStep) as soon as the rows that it references
//! are enacted, many at once, and writes on each row what was enacted, or why not.
//!
//! The ideas and the words are those of the guide to adding services of the XOS project.
//!
//! # A model, a step, a program
//! ```no_run
//! use xos_sync_core::{Context, Id, Outcome, Row, StepResult, SyncStep, model, models::Site, sync_step};
//!
//! /// A web page of a site, as a file on disk.
//! #[model(table = pages)]
//! pub struct Page {
//!     pub id: Id<Page>,
//!     pub name: String,
//!     pub text: String,
//!     #[references(Site)]
//!     pub site_id: Id<Site>,
//! }
//!
//! #[sync_step(provides = Page, interval = 3600)]
//! pub struct SyncPages;
//!
//! impl SyncStep for SyncPages {
//!     async fn sync_record(&self, _: &Context, page: &mut Row<Page>) -> StepResult {
//!         std::fs::write(&page.name, &page.text)?;
//!         Ok(Outcome::Done)
//!     }
//!
//!     async fn delete_record(&self, _: &Context, page: &Row<Page>) -> StepResult {
//!         match std::fs::remove_file(&page.name) {
//!             // Gone already: an earlier call may have ended in the middle.
//!             Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Outcome::Done),
//!             removed => Ok(removed.map(|()| Outcome::Done)?),
//!         }
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//! #   #[cfg(feature = "manage")] {
//!     xos_sync_core::manage::main()
//! #   }
//! #   #[cfg(not(feature = "manage"))] { std::process::ExitCode::SUCCESS }
//! }
//! ```
//!
//! # Where to look
//! | you want to | see |
//! |---|---|
//! | declare what should be | [`#[model]`](macro@model), [`models`] |
//! | write a step | [`#[sync_step]`](macro@sync_step), [`SyncStep`], [`Outcome`], [`StepError`], [`Reason`], [`Context`] |
//! | embed it in a program | [`Synchronizer::builder`], [`Registry`], [`event::Handle`] |
//! | be woken, or wake others | [`event`], [`event::Feed`], [`event::Bridge`] |
//! | call a backend over HTTP | `http`, with the feature of that name |
//! | run it, ask it | [`mod@manage`], [`status`], [`dmdot`], [`mod@migrate`] |
//!
//! # Features
//! - `sqlite` (default): SQLite, compiled in.
//! - `postgres`: PostgreSQL, by libpq. Which engine is used is decided by the URL at run time.
//! - `manage` (default): the command line that [`manage::main`] gives a binary.
//! - `nats`: events by NATS JetStream, `event::NatsFeed` and `event::NatsPublisher`.
//! - `xmpp`: events from and to a PubSub node of an XMPP server, for programs on several machines:
//!   `event::XmppFeed` and `event::XmppPublisher`.
//! - `http`: what clients of HTTP backends have in common, the module `http`.
//! - `wide-tables`: models of more than 31 columns beside their key.

extern crate self as xos_sync_core;

// In layer order: a module names only modules above it. A test below checks it.
pub mod error;
#[cfg(any(feature = "http", feature = "nats", feature = "xmpp"))]
mod tls;
#[cfg(feature = "http")]
pub mod http;
pub mod db;
pub mod model;
pub mod models;
mod sql;
mod former;
mod row;
mod expansion;
pub mod step;
pub mod dmdot;
pub mod registry;
pub mod schedule;
mod toposort;
mod enacted;
mod journal;
mod repair;
mod shard;
mod members;
mod roll;
pub mod budget;
mod pending;
mod lane;
mod run;
mod pass;
pub mod event;
mod event_loop;
pub mod migrate;
pub mod synchronizer;
pub mod status;
#[cfg(feature = "manage")]
pub mod manage;

pub use error::{Reason, StepError};
pub use model::{Id, Micros, Model, Secret};
pub use pass::Report;
pub use registry::Registry;
pub use row::Row;
pub use step::{Context, Outcome, Pending, StepDef, StepResult, SyncStep};
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

#[cfg(test)]
mod layers;
