//! Steps that list their backend, steps that share a model, and steps of several models.

mod fetch_pending;
mod scopes;
mod several;
