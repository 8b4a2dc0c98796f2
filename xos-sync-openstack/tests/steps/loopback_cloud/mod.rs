//! Scenarios.

mod bring_up;
mod changes;
mod drift;
mod images;
mod lost;
mod others;
mod privileges;
mod two_clouds;
