//! PURE: the conditions and statements that more than one module writes to the database.
//!
//! Conditions stand literally in the text, and only integers are put into it: a bound
//! parameter would lose the partial indexes on both engines.

use std::fmt::Write as _;

use crate::{
    db::Engine,
    model::{ColumnKind, ModelInfo},
};

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

/// `'a','b'`, of words that are letters, digits, `-` and `_`.
pub(crate) fn words(words: &[&str]) -> String {
    let plain =
        |word: &&&str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    words.iter().filter(plain).map(|word| format!("'{word}'")).collect::<Vec<_>>().join(",")
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

/// This moment in microseconds, asked of the database. On SQLite written so that every one
/// since 3.35 understands it, because triggers run in the library of whoever writes; on
/// PostgreSQL the clock's time, not the transaction's.
pub(crate) const fn now(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "(CAST(strftime('%s', 'now') AS INTEGER) * 1000000 \
             + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000)"
        }
        Engine::Postgres => "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    }
}

/// The larger of two numbers.
pub(crate) const fn greatest(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "max",
        Engine::Postgres => "greatest",
    }
}

/// Which index answers a question: said where the planner would guess.
pub(crate) fn indexed_by(engine: Engine, index: &str) -> String {
    match engine {
        Engine::Sqlite => format!(" INDEXED BY {index}"),
        // The partial index is the smaller one, and it finds that out by itself.
        Engine::Postgres => String::new(),
    }
}

/// `EXISTS (…)` of a row of the table, found by its key for one row after the other: never by
/// reading the whole table for all of them, whatever the statistics say.
pub(crate) fn exists(engine: Engine, table: &str, alias: &str, condition: &str) -> String {
    match engine {
        Engine::Sqlite => {
            format!("EXISTS (SELECT 1 FROM {table} AS {alias} NOT INDEXED WHERE {condition})")
        }
        Engine::Postgres => {
            format!("EXISTS (SELECT 1 FROM {table} AS {alias} WHERE {condition}{FENCE})")
        }
    }
}

/// `NOT EXISTS (…)` of a row of the table, found by an index for one row after the other.
pub(crate) fn none(engine: Engine, table: &str, alias: &str, condition: &str) -> String {
    let fence = if engine == Engine::Postgres { FENCE } else { "" };
    format!("NOT EXISTS (SELECT 1 FROM {table} AS {alias} WHERE {condition}{fence})")
}

/// That a row's key is one of these few, which a query finds: each row is looked up by its key,
/// where PostgreSQL might read the whole table to join it.
pub(crate) fn among(engine: Engine, keys: &str) -> String {
    match engine {
        Engine::Sqlite => format!("id IN ({keys})"),
        Engine::Postgres => format!("id = ANY (ARRAY({keys}))"),
    }
}

/// Keeps PostgreSQL from turning a question about one row into a join of tables.
const FENCE: &str = " OFFSET 0";

/// A query whose text has a `?` for each parameter.
pub(crate) fn query(engine: Engine, text: &str) -> diesel::query_builder::SqlQuery {
    diesel::sql_query(engine.parameters(text))
}

/// Makes live rows pending again, at once.
pub(crate) fn touch(engine: Engine, model: &ModelInfo, which: &str) -> String {
    format!(
        "UPDATE {table} SET updated = {greatest}(updated + 1, {now}), attempts = 0, retry_at = NULL \
         WHERE {which} AND NOT deleted",
        table = model.table,
        greatest = greatest(engine),
        now = now(engine),
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
    name(format!("{}_by_{column}", model.table))
}

/// PostgreSQL cuts names that are longer without a word.
const LONGEST_NAME: usize = 63;

/// The name of something beside a table, made of as many parts as it takes: a long one ends with
/// its hash (FNV-1a, which stays the same for ever).
pub(crate) fn name(name: String) -> String {
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let hash = name
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let begin: String = name.chars().filter(char::is_ascii).take(LONGEST_NAME - 9).collect();
    format!("{begin}_{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn long_names_end_with_their_hash() {
        let long = "controller_site_privileges_unique_site_privilege_id_controller_id";
        let short = "controller_site_privileges_unique_site_privilege_id_co_955f5a65";
        assert_eq!(name(long.into()), short);
        assert_eq!(short.len(), 63);
        assert_eq!(name(short.into()), short);
        assert_ne!(name(format!("{long}s")), short);
    }
}
