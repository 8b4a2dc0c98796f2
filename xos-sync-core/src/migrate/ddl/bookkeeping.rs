//! PURE: the bookkeeping beside a model's table: `<table>_sync`.

use super::{Extra, index, postgres};
use crate::{db::Engine, model::ModelInfo, sql};

/// The columns of the bookkeeping, each with its definition.
pub(in crate::migrate) fn sync_columns(engine: Engine, model: &ModelInfo) -> Vec<(String, String)> {
    let now = sql::now(engine);
    let (key, uid, json) = match engine {
        Engine::Sqlite => {
            ("INTEGER PRIMARY KEY AUTOINCREMENT", "lower(hex(randomblob(16)))", "TEXT")
        }
        Engine::Postgres => (
            "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "replace(gen_random_uuid()::text, '-', '')",
            "JSONB",
        ),
    };
    let truth = |name: &str| match engine {
        // People write these: any other word would be taken for a truth value.
        Engine::Sqlite => format!("BOOLEAN NOT NULL DEFAULT FALSE CHECK ({name} IN (0, 1))"),
        Engine::Postgres => "BOOLEAN NOT NULL DEFAULT FALSE".to_owned(),
    };
    let fixed = [
        ("sync_id", key.to_owned()),
        ("object_id", "BIGINT NOT NULL".into()),
        ("uid", format!("TEXT NOT NULL UNIQUE DEFAULT ({uid})")),
        ("created", format!("BIGINT NOT NULL DEFAULT {now}")),
        ("updated", format!("BIGINT NOT NULL DEFAULT {now}")),
        ("enacted", "BIGINT".into()),
        ("deleted", truth("deleted")),
        ("no_sync", truth("no_sync")),
        ("lazy_blocked", truth("lazy_blocked")),
        ("backend_status", "TEXT".into()),
        ("backend_class", "TEXT".into()),
        ("backend_reason", "TEXT".into()),
        ("attempts", "INTEGER NOT NULL DEFAULT 0".into()),
        ("retry_at", "BIGINT".into()),
        ("resync_at", "BIGINT".into()),
        ("attempted", "BOOLEAN NOT NULL DEFAULT FALSE".into()),
        ("step", "TEXT".into()),
        ("applied", json.into()),
        ("last", json.into()),
    ];
    let applied = model
        .references
        .iter()
        .map(|reference| (sql::applied_reference(reference.column), "BIGINT".to_owned()));
    fixed.into_iter().map(|(name, sql)| (name.to_owned(), sql)).chain(applied).collect()
}

/// The statement that makes the bookkeeping's table.
pub(in crate::migrate) fn create_sync_table(engine: Engine, model: &ModelInfo) -> String {
    let options = match engine {
        Engine::Sqlite => "",
        Engine::Postgres => postgres::OPTIONS,
    };
    let columns: Vec<_> = sync_columns(engine, model)
        .into_iter()
        .map(|(name, definition)| format!("    {name} {definition}"))
        .collect();
    let table = sql::sync_table(model);
    format!("CREATE TABLE {table} (\n{}\n){options};\n", columns.join(",\n"))
}

/// The statement that gives rows their bookkeeping that have none.
pub(in crate::migrate) fn fill_sync_table(model: &ModelInfo) -> String {
    let table = model.table;
    format!(
        "INSERT INTO {table}_sync (object_id) SELECT id FROM {table} AS t \
         WHERE NOT EXISTS (SELECT 1 FROM {table}_sync AS s WHERE s.object_id = t.id AND NOT s.deleted) ORDER BY id;"
    )
}

/// Indexes over rows that are due, to be deleted or waiting, over objects' keys, and over the
/// references that were applied.
pub(super) fn indexes(engine: Engine, model: &'static ModelInfo) -> Vec<Extra> {
    let table = sql::sync_table(model);
    // Where no event names rows, the newest are looked for: without reading them all.
    let columns = match engine {
        Engine::Sqlite => "(sync_id, updated)",
        Engine::Postgres => "(sync_id)",
    };
    let plain = |name: String, rest: &str| index(model, name, &table, "INDEX", rest);
    let mut indexes = vec![
        plain(sql::due_index(model), &format!("{columns} WHERE {}", sql::due(""))),
        plain(sql::deleting_index(model), &format!("{columns} WHERE {}", sql::deleting(""))),
        plain(format!("{}_retry", model.table), "(retry_at) WHERE retry_at IS NOT NULL"),
        plain(format!("{}_resync", model.table), "(resync_at) WHERE resync_at IS NOT NULL"),
        index(
            model,
            sql::object_index(model),
            &table,
            "UNIQUE INDEX",
            "(object_id) WHERE NOT deleted",
        ),
        plain(sql::gone_index(model), "(object_id) WHERE deleted"),
    ];
    for reference in model.references {
        let column = reference.column;
        let applied = sql::applied_reference(column);
        indexes.push(plain(
            sql::applied_index(model, column),
            &format!("({applied}) WHERE {applied} IS NOT NULL"),
        ));
    }
    indexes
}
