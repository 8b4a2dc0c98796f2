//! A step's backend that is not there.

use thiserror::Error;

/// A step's field cannot be filled.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BackendError {
    /// Nobody registered a value of the field's type.
    #[error(
        "step {step} needs a backend of type {type_name} for its field `{field}`, and none is registered: \
         add it with `Synchronizer::builder().backend(…)`, or link one with `xos_sync_core::backend!` \
         (registered: {known})"
    )]
    Missing {
        /// The step's name.
        step: &'static str,
        /// The field.
        field: &'static str,
        /// The field's type.
        type_name: &'static str,
        /// What is registered.
        known: String,
    },
    /// The linked constructor failed.
    #[error("the backend {type_name} cannot be set up: {}", super::sanitize(.reason))]
    Failed {
        /// The backend's type.
        type_name: &'static str,
        /// What its constructor said.
        reason: String,
    },
}
