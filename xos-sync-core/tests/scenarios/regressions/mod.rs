//! Each failure that was seen in the system that this one follows, as a test named after it.

mod dependants;
mod outcomes;
mod scale;
