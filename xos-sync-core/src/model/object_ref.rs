//! A row without its type.

use std::fmt;

use super::ModelInfo;
use crate::error::cell;

/// Names one row in logs, errors and status: `Instance web-1 (#12)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The row's model.
    pub model: &'static ModelInfo,
    /// The row's key.
    pub id: i64,
    /// What people call it.
    pub label: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.label.is_empty() {
            write!(f, "{} #{}", self.model.name, self.id)
        } else {
            write!(f, "{} {} (#{})", self.model.name, cell(&self.label), self.id)
        }
    }
}
