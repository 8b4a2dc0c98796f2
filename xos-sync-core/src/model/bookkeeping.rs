//! The columns of the table `<table>_sync`, which only the framework and its triggers write.

use diesel::{
    Queryable,
    sql_types::{BigInt, Bool, Integer, Nullable, Text},
};

use super::Micros;
use crate::error::{BackendClass, Reason};

/// The types of [`Bookkeeping`]'s columns, in order.
pub type BookkeepingSql = (
    BigInt,
    Text,
    BigInt,
    BigInt,
    Nullable<BigInt>,
    Bool,
    Bool,
    Bool,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Integer,
    Nullable<BigInt>,
    Bool,
    Nullable<BigInt>,
);

/// The bookkeeping of one object, beside the author's row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Bookkeeping {
    /// The key of the bookkeeping: one object's alone, also when a later row has the same `id`.
    pub sync_id: i64,
    /// The row's identity, given by the database and never used again.
    pub uid: String,
    /// When the row was added.
    pub created: Micros,
    /// The goal's version: grows with each change of a goal column, whoever makes it.
    pub updated: Micros,
    /// The version that the backend was last brought in line with; `None` before the first time.
    pub enacted: Option<Micros>,
    /// Whether the row was deleted: the object is to be removed from the backend.
    pub deleted: bool,
    /// Whether the row is never to be synced; rows that reference it do not wait for it.
    pub no_sync: bool,
    /// Whether syncing waits for somebody to need the row; rows that reference it wait too.
    pub lazy_blocked: bool,
    /// What went wrong or is being waited for, in the user's words.
    pub backend_status: Option<String>,
    /// The kind of that.
    pub backend_class: Option<BackendClass>,
    /// Why, for programs.
    pub backend_reason: Option<Reason>,
    /// Failures in a row.
    pub attempts: i32,
    /// When it is tried again; `None` for at once.
    pub retry_at: Option<Micros>,
    /// Whether a call for it may have begun before.
    pub attempted: bool,
    /// When it is synced again although nothing has changed.
    pub resync_at: Option<Micros>,
}

impl Bookkeeping {
    /// The columns, in the order of the fields.
    pub(crate) const COLUMNS: [&'static str; 15] = [
        "sync_id",
        "uid",
        "created",
        "updated",
        "enacted",
        "deleted",
        "no_sync",
        "lazy_blocked",
        "backend_status",
        "backend_class",
        "backend_reason",
        "attempts",
        "retry_at",
        "attempted",
        "resync_at",
    ];

    /// Whether the goal is not applied yet (contract C1).
    pub fn is_pending(&self) -> bool {
        !self.no_sync
            && !self.lazy_blocked
            && self.enacted.is_none_or(|enacted| enacted < self.updated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(enacted: Option<i64>, updated: i64) -> Bookkeeping {
        Bookkeeping {
            sync_id: 1,
            uid: "u".into(),
            created: Micros(0),
            updated: Micros(updated),
            enacted: enacted.map(Micros),
            deleted: false,
            no_sync: false,
            lazy_blocked: false,
            backend_status: None,
            backend_class: None,
            backend_reason: None,
            attempts: 0,
            retry_at: None,
            attempted: false,
            resync_at: None,
        }
    }

    #[test]
    fn pending_is_exactly_what_contract_c1_says() {
        assert!(row(None, 5).is_pending());
        assert!(row(Some(4), 5).is_pending());
        assert!(!row(Some(5), 5).is_pending());
        assert!(!row(Some(6), 5).is_pending());
        assert!(!Bookkeeping { no_sync: true, ..row(None, 5) }.is_pending());
        assert!(!Bookkeeping { lazy_blocked: true, ..row(None, 5) }.is_pending());
    }
}
