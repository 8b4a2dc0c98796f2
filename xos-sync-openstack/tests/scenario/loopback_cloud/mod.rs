//! From a goal state of some size to a cloud, and back to nothing.

mod goal;
mod rows;
mod two_clouds;
mod whole_life;
mod witness;
