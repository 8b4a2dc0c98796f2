//! Rows whose values the program cannot decode, such as a text that is not UTF-8: each fails
//! alone, with its column's name, and the others go on.

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Bool, Integer, Nullable},
};

use super::{
    Call, Context,
    observed::{AnyRow, CallFuture, Called},
};
use crate::{
    db::AnyConnection,
    error::{Reason, StepError},
    model::{ModelInfo, ObjectRef},
};

/// The bookkeeping of a row that may not be decodable.
#[derive(QueryableByName)]
pub(super) struct Undecoded {
    #[diesel(sql_type = BigInt)]
    pub(super) sync_id: i64,
    #[diesel(sql_type = BigInt)]
    object_id: i64,
    #[diesel(sql_type = BigInt)]
    updated: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    enacted: Option<i64>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Bool)]
    attempted: bool,
}

/// A row that cannot be decoded, and the reason.
pub(super) struct UndecodableRow {
    model: &'static ModelInfo,
    kept: Undecoded,
    reason: String,
}

/// Reads the bookkeeping alone of the rows for which the SQL condition holds.
pub(super) fn load(
    conn: &mut AnyConnection,
    model: &ModelInfo,
    which: &str,
    condition: &str,
) -> QueryResult<Vec<Undecoded>> {
    sql_query(format!(
        "SELECT s.sync_id, s.object_id, s.updated, s.enacted, s.attempts, s.attempted FROM {}_sync AS s \
         WHERE {condition} AND {which} ORDER BY s.sync_id",
        model.table
    ))
    .load(conn)
}

impl Undecoded {
    /// The row with the reason why it cannot be decoded.
    pub(super) fn because(self, model: &'static ModelInfo, reason: String) -> UndecodableRow {
        UndecodableRow { model, kept: self, reason }
    }
}

impl AnyRow for UndecodableRow {
    fn object_ref(&self) -> ObjectRef {
        ObjectRef { model: self.model, id: self.kept.object_id, label: String::new() }
    }

    fn id(&self) -> i64 {
        self.kept.sync_id
    }

    fn references(&self) -> Vec<Option<i64>> {
        vec![None; self.model.references.len()]
    }

    fn updated(&self) -> i64 {
        self.kept.updated
    }

    fn enacted(&self) -> Option<i64> {
        self.kept.enacted
    }

    fn attempts(&self) -> i32 {
        self.kept.attempts
    }

    fn is_new(&self) -> bool {
        self.kept.enacted.is_none() && !self.kept.attempted
    }

    fn has_error(&self) -> bool {
        true
    }

    fn call(self: Box<Self>, _: Context, _: Call) -> CallFuture {
        let error = StepError::terminal(format!(
            "the row cannot be read: {}: correct the value in the table {}",
            self.reason, self.model.table
        ))
        .because(Reason::UNDECODABLE);
        Box::pin(async move { Called { result: Err(error), save: None } })
    }
}
