//! Scenarios of the framework on SQLite: a few models, a backend that lives in memory and can
//! be told to misbehave, and the whole framework between them.

mod order;
mod world;
