//! Contract C7: when a row that was not enacted is looked at again.

mod classes;
mod outcomes;
mod waits;
