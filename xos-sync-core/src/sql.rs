//! PURE: the conditions and statements that more than one module writes to the database.
//!
//! Conditions stand literally in the text, and only integers are put into it: a bound
//! parameter would lose the partial indexes on both engines.

use std::fmt::Write as _;

use crate::{
    db::Engine,
    model::{Bookkeeping, ColumnKind, ModelInfo},
};

/// The table of a model's bookkeeping.
pub(crate) fn sync_table(model: &ModelInfo) -> String {
    format!("{}_sync", model.table)
}

/// The column of the bookkeeping that holds which object a reference led to when the row was
/// enacted.
pub(crate) fn applied_reference(column: &str) -> String {
    format!("applied_{column}")
}

/// The columns of living rows, up to the condition. The bookkeeping is called `s`.
pub(crate) fn select_living(model: &ModelInfo) -> String {
    let table = model.table;
    let own = |column: &str| format!("{table}.{column}");
    format!(
        "SELECT {} FROM {table} JOIN {table}_sync AS s ON s.object_id = {table}.id",
        selected(model, own)
    )
}

/// The columns of deleted rows, as they were, up to the condition. The bookkeeping is called `s`.
pub(crate) fn select_deleted(engine: Engine, model: &ModelInfo) -> String {
    let table = model.table;
    match engine {
        Engine::Sqlite => {
            let own = |column: &str| format!("json_extract(s.last, '$.{column}') AS {column}");
            format!("SELECT {} FROM {table}_sync AS s", selected(model, own))
        }
        Engine::Postgres => {
            let own = |column: &str| format!("{table}.{column}");
            format!(
                "SELECT {} FROM {table}_sync AS s, {}",
                selected(model, own),
                last_values(engine, model, "s")
            )
        }
    }
}

fn selected(model: &ModelInfo, own: impl Fn(&str) -> String) -> String {
    let kept = Bookkeeping::COLUMNS.iter().map(|column| format!("s.{column}"));
    let columns = ["id"].into_iter().chain(model.columns.iter().map(|column| column.name));
    kept.chain(columns.map(own)).collect::<Vec<_>>().join(", ")
}

/// The last values of a deleted row, as something to select from under the table's name; `row` is
/// its bookkeeping.
pub(crate) fn last_values(engine: Engine, model: &ModelInfo, row: &str) -> String {
    let table = model.table;
    match engine {
        Engine::Sqlite => {
            let columns = ["id"].into_iter().chain(model.columns.iter().map(|column| column.name));
            let columns: Vec<_> = columns
                .map(|column| format!("json_extract({row}.last, '$.{column}') AS {column}"))
                .collect();
            format!("(SELECT {}) AS {table}", columns.join(", "))
        }
        Engine::Postgres => format!("jsonb_populate_record(NULL::{table}, {row}.last) AS {table}"),
    }
}

/// Contract C1 for the row `row`, apart from the waiting time after a failure.
pub(crate) fn pending(row: &str) -> String {
    format!(
        "NOT {row}deleted AND NOT {row}no_sync AND NOT {row}lazy_blocked \
         AND ({row}enacted IS NULL OR {row}enacted < {row}updated)"
    )
}

/// Pending and not waiting after a failure: the condition of the index `…_due`.
pub(crate) fn due(row: &str) -> String {
    format!("{} AND {row}retry_at IS NULL", pending(row))
}

/// To be deleted, and neither suspended nor waiting after a failure: the condition of the index
/// `…_deleting`.
pub(crate) fn deleting(row: &str) -> String {
    format!("{row}deleted AND NOT {row}no_sync AND NOT {row}lazy_blocked AND {row}retry_at IS NULL")
}

/// Whether the backend may hold something of a deleted row.
pub(crate) fn maybe_created(engine: Engine, model: &ModelInfo, row: &str) -> String {
    let mut condition = format!("({row}.enacted IS NOT NULL OR {row}.attempted");
    for column in model.column_names(ColumnKind::Backend) {
        let value = match engine {
            Engine::Sqlite => format!("json_extract({row}.last, '$.{column}')"),
            Engine::Postgres => format!("({row}.last ->> '{column}')"),
        };
        let _ = write!(condition, " OR {value} IS NOT NULL");
    }
    condition.push(')');
    condition
}

/// The name under which the bookkeeping knows a step: steps of two Synchronizers may have one name.
pub(crate) fn step_name(synchronizer: &str, step: &str) -> String {
    format!("{synchronizer}.{step}")
}

/// The condition under which a database has notifications. An operator switches them off by
/// `ALTER DATABASE … SET xos_sync.notifications = 'off'`, and so does a write for which the queue
/// of notifications is full.
pub(crate) const NOTIFICATIONS_ARE_ON: &str =
    "coalesce(current_setting('xos_sync.notifications', true), 'on') <> 'off'";

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
pub(crate) fn exists(engine: Engine, tables: &str, condition: &str) -> String {
    let fence = if engine == Engine::Postgres { FENCE } else { "" };
    format!("EXISTS (SELECT 1 FROM {tables} WHERE {condition}{fence})")
}

/// The bookkeeping's key of the row with the key `key`, living or the last one deleted.
pub(crate) fn sync_id_of(model: &ModelInfo, key: &str) -> String {
    let table = model.table;
    format!(
        "coalesce((SELECT p.sync_id FROM {table}_sync AS p WHERE p.object_id = {key} AND NOT p.deleted), \
         (SELECT max(p.sync_id) FROM {table}_sync AS p WHERE p.object_id = {key} AND p.deleted))"
    )
}

/// The columns of the row `row` as one value, without secrets.
pub(crate) fn applied_values(engine: Engine, model: &ModelInfo, row: &str) -> String {
    let (secrets, plain): (Vec<_>, Vec<_>) = model.columns.iter().partition(|column| column.secret);
    match engine {
        Engine::Sqlite => json_object(&plain.iter().map(|c| c.name).collect::<Vec<_>>(), row),
        Engine::Postgres if secrets.is_empty() => format!("to_jsonb({row})"),
        Engine::Postgres => {
            let names: Vec<_> = secrets.iter().map(|column| format!("'{}'", column.name)).collect();
            format!("to_jsonb({row}) - ARRAY[{}]", names.join(", "))
        }
    }
}

/// SQLite: the key and these columns of the row `row` in JSON.
pub(crate) fn json_object(columns: &[&str], row: &str) -> String {
    let pairs: Vec<_> =
        ["id"].iter().chain(columns).map(|column| format!("'{column}', {row}.{column}")).collect();
    format!("json_object({})", pairs.join(", "))
}

/// The bookkeeping of living rows under an alias, found by the object's key.
pub(crate) fn living(engine: Engine, model: &ModelInfo, alias: &str) -> String {
    format!("{}_sync AS {alias}{}", model.table, indexed_by(engine, &object_index(model)))
}

/// `NOT EXISTS (…)` of a row of the tables, found by an index for one row after the other.
pub(crate) fn none(engine: Engine, tables: &str, condition: &str) -> String {
    format!("NOT {}", exists(engine, tables, condition))
}

/// That a row's key is one of these few, which a query finds: each row is looked up by its key,
/// where PostgreSQL might read the whole table to join it.
pub(crate) fn among(engine: Engine, keys: &str) -> String {
    match engine {
        Engine::Sqlite => format!("s.sync_id IN ({keys})"),
        Engine::Postgres => format!("s.sync_id = ANY (ARRAY({keys}))"),
    }
}

/// Keeps PostgreSQL from turning a question about one row into a join of tables.
const FENCE: &str = " OFFSET 0";

/// A query whose text has a `?` for each parameter.
pub(crate) fn query(engine: Engine, text: &str) -> diesel::query_builder::SqlQuery {
    diesel::sql_query(engine.parameters(text))
}

/// Makes living rows pending again, at once; `which` is a condition on the bookkeeping.
pub(crate) fn touch(engine: Engine, model: &ModelInfo, which: &str) -> String {
    format!(
        "UPDATE {table}_sync SET {version} WHERE {which} AND NOT deleted",
        table = model.table,
        version = next_version(engine),
    )
}

/// What a changed goal sets in the bookkeeping: the next version, which is tried at once.
pub(crate) fn next_version(engine: Engine) -> String {
    format!(
        "updated = {}(updated + 1, {}), attempts = 0, retry_at = NULL, resync_at = NULL",
        greatest(engine),
        now(engine)
    )
}

/// The name of the index over the rows of [`due`].
pub(crate) fn due_index(model: &ModelInfo) -> String {
    format!("{}_due", model.table)
}

/// The name of the index over the rows of [`deleting`].
pub(crate) fn deleting_index(model: &ModelInfo) -> String {
    format!("{}_deleting", model.table)
}

/// The name of the index that finds a living row's bookkeeping by the row's key.
pub(crate) fn object_index(model: &ModelInfo) -> String {
    format!("{}_object", model.table)
}

/// The name of the index over the keys of deleted rows.
pub(crate) fn gone_index(model: &ModelInfo) -> String {
    format!("{}_gone", model.table)
}

/// The name of the index over the column of an applied reference.
pub(crate) fn applied_index(model: &ModelInfo, column: &str) -> String {
    name(format!("{}_by_applied_{column}", model.table))
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
