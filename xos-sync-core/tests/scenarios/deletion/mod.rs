//! Contract C8: soft delete → `delete_record` → purge.

mod cascade;
mod during_calls;
mod parents;
mod outcomes;
