//! The columns that only the framework and its database triggers write.

use diesel::Queryable;

use super::Micros;

/// What is kept about each row, beside its own columns.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Bookkeeping {
    /// The row's identity, given by the database and never used again.
    pub uid: String,
    /// When the row was added.
    pub created: Micros,
    /// The goal's version: grows with each change of a goal column, whoever makes it.
    pub updated: Micros,
    /// The version that the backend was last brought in line with; `None` before the first time.
    pub enacted: Option<Micros>,
    /// Whether the row is to be removed from the backend, and then from here.
    pub deleted: bool,
    /// Whether the row is never to be synced; rows that reference it do not wait for it.
    pub no_sync: bool,
    /// Whether syncing waits for somebody to need the row; rows that reference it wait too.
    pub lazy_blocked: bool,
    /// What went wrong or is being waited for, in the user's words.
    pub backend_status: Option<String>,
    /// The class of that: `transient`, `terminal` or `deferred`.
    pub backend_class: Option<String>,
    /// Failures in a row.
    pub attempts: i32,
    /// When it is tried again; `None` for at once.
    pub retry_at: Option<Micros>,
}

impl Bookkeeping {
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
            uid: "u".into(),
            created: Micros(0),
            updated: Micros(updated),
            enacted: enacted.map(Micros),
            deleted: false,
            no_sync: false,
            lazy_blocked: false,
            backend_status: None,
            backend_class: None,
            attempts: 0,
            retry_at: None,
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
