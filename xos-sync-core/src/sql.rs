//! PURE: the conditions and statements that more than one module writes to the database.
//!
//! Conditions stand literally in the text, and only integers are put into it: a bound
//! parameter would lose the partial indexes on both engines.

use std::fmt::Write as _;

use crate::model::{ColumnKind, ModelInfo};

/// Contract C1 for the row `row`, apart from the waiting time after a failure.
pub(crate) fn pending(row: &str) -> String {
    format!(
        "NOT {row}deleted AND NOT {row}no_sync AND NOT {row}lazy_blocked \
         AND ({row}enacted IS NULL OR {row}enacted < {row}updated)"
    )
}

/// Pending and not waiting after a failure: the condition of the index `…_fresh`.
pub(crate) fn fresh(row: &str) -> String {
    format!("{} AND {row}retry_at IS NULL", pending(row))
}

/// To be deleted and not waiting after a failure: the condition of the index `…_doomed`.
pub(crate) fn doomed(row: &str) -> String {
    format!("{row}deleted AND {row}retry_at IS NULL")
}

/// Whether the backend may hold something of the row.
pub(crate) fn maybe_created(model: &ModelInfo, row: &str) -> String {
    let mut condition = format!("({row}enacted IS NOT NULL OR {row}attempted");
    for column in model.column_names(ColumnKind::Backend) {
        let _ = write!(condition, " OR {row}{column} IS NOT NULL");
    }
    condition.push(')');
    condition
}

/// `1,2,3`.
pub(crate) fn list(ids: impl IntoIterator<Item = i64>) -> String {
    let mut text = String::new();
    for id in ids {
        if !text.is_empty() {
            text.push(',');
        }
        let _ = write!(text, "{id}");
    }
    text
}

/// This moment in microseconds, asked of the database. Written so that every SQLite since
/// 3.35 understands it, because triggers run in the library of whoever writes.
pub(crate) const SQLITE_NOW: &str = "(CAST(strftime('%s', 'now') AS INTEGER) * 1000000 \
     + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000)";

/// Makes live rows pending again, at once.
pub(crate) fn touch(model: &ModelInfo, ids: &[i64]) -> String {
    format!(
        "UPDATE {table} SET updated = max(updated + 1, {SQLITE_NOW}), attempts = 0, retry_at = NULL \
         WHERE id IN ({ids}) AND NOT deleted",
        table = model.table,
        ids = list(ids.iter().copied()),
    )
}

/// The name of the index over the rows of [`fresh`].
pub(crate) fn fresh_index(model: &ModelInfo) -> String {
    format!("{}_fresh", model.table)
}

/// The name of the index over the rows of [`doomed`].
pub(crate) fn doomed_index(model: &ModelInfo) -> String {
    format!("{}_doomed", model.table)
}

/// The name of the index over a reference's column.
pub(crate) fn reference_index(model: &ModelInfo, column: &str) -> String {
    format!("{}_by_{column}", model.table)
}
