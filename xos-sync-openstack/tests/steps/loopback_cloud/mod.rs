//! Scenarios.

mod bring_up;
