//! Scenarios from a goal state to a cloud.

mod breaks;
mod bring_up;
mod ports;
mod rows;
mod witness;
mod world;
