//! PURE: a model's description as SQLite's table, indexes and triggers.

use std::fmt::Write as _;

use crate::{
    model::{Column, ColumnKind, ColumnType, ModelInfo, OnDelete},
    sql::{self, SQLITE_NOW},
};

/// The statement that makes the model's table.
pub fn create_table(model: &ModelInfo) -> String {
    let mut out = format!(
        "CREATE TABLE {table} (\n    id INTEGER PRIMARY KEY AUTOINCREMENT,\n",
        table = model.table
    );
    for column in model.columns {
        let _ = writeln!(out, "    {},", column_definition(model, column));
    }
    let bookkeeping = bookkeeping();
    out.push_str(&bookkeeping.map(|column| format!("    {column}")).join(",\n"));
    out.push_str("\n);\n");
    out
}

/// One column of the author's, as in `CREATE TABLE`.
pub(super) fn column_definition(model: &ModelInfo, column: &Column) -> String {
    let name = column.name;
    let mut out = format!("{name} {}", type_name(column.sql_type));
    if !column.nullable {
        out.push_str(" NOT NULL");
    }
    if let Some(default) = column.default {
        let _ = write!(out, " DEFAULT {default}");
    }
    if let Some(choices) = column.choices {
        let words: Vec<_> =
            choices.iter().map(|word| format!("'{}'", word.replace('\'', "''"))).collect();
        let _ = write!(out, " CHECK ({name} IN ({}))", words.join(", "));
    }
    if let Some(reference) = model.references.iter().find(|reference| reference.column == name) {
        let _ = write!(out, " REFERENCES {} (id)", (reference.target)().table);
    }
    out
}

fn type_name(sql_type: ColumnType) -> &'static str {
    match sql_type {
        ColumnType::Text => "TEXT",
        ColumnType::Integer => "INTEGER",
        ColumnType::BigInt => "BIGINT",
        ColumnType::Bool => "BOOLEAN",
        ColumnType::Double => "DOUBLE PRECISION",
    }
}

/// The columns that every table has beside the author's.
fn bookkeeping() -> [String; 13] {
    [
        "uid TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16))))".into(),
        format!("created BIGINT NOT NULL DEFAULT {SQLITE_NOW}"),
        format!("updated BIGINT NOT NULL DEFAULT {SQLITE_NOW}"),
        "enacted BIGINT".into(),
        "deleted BOOLEAN NOT NULL DEFAULT FALSE".into(),
        "no_sync BOOLEAN NOT NULL DEFAULT FALSE".into(),
        "lazy_blocked BOOLEAN NOT NULL DEFAULT FALSE".into(),
        "backend_status TEXT".into(),
        "backend_class TEXT".into(),
        "attempts INTEGER NOT NULL DEFAULT 0".into(),
        "retry_at BIGINT".into(),
        "attempted BOOLEAN NOT NULL DEFAULT FALSE".into(),
        "purgeable BOOLEAN NOT NULL DEFAULT FALSE".into(),
    ]
}

/// The bookkeeping columns' names.
pub(super) fn bookkeeping_names() -> impl Iterator<Item = String> {
    bookkeeping().into_iter().filter_map(|column| column.split(' ').next().map(str::to_owned))
}

/// Indexes by name: what is fresh, doomed or waiting, each reference, each uniqueness.
pub(super) fn indexes(model: &ModelInfo) -> Vec<(String, String)> {
    let table = model.table;
    let mut indexes = vec![
        (sql::fresh_index(model), format!("(id) WHERE {}", sql::fresh(""))),
        (sql::doomed_index(model), format!("(id) WHERE {}", sql::doomed(""))),
        (format!("{table}_retry"), "(retry_at) WHERE retry_at IS NOT NULL".into()),
    ];
    for reference in model.references {
        let column = reference.column;
        indexes.push((sql::reference_index(model, column), format!("({column})")));
    }
    let mut statements: Vec<_> = indexes
        .into_iter()
        .map(|(name, rest)| (name.clone(), format!("CREATE INDEX {name} ON {table} {rest}")))
        .collect();
    for unique in model.uniques {
        let name = format!("{table}_unique_{}", unique.columns.join("_"));
        // Rows on their way out do not stand in the way of their successors.
        let columns = unique.columns.join(", ");
        let statement =
            format!("CREATE UNIQUE INDEX {name} ON {table} ({columns}) WHERE NOT deleted");
        statements.push((name, statement));
    }
    statements
}

/// Triggers by name. They make contract C2 hold for any writer.
pub(super) fn triggers(model: &ModelInfo, models: &[&'static ModelInfo]) -> Vec<(String, String)> {
    let table = model.table;
    let mut triggers = vec![
        (format!("{table}_touch"), touch_trigger(model)),
        (format!("{table}_born"), born_trigger(model)),
        (format!("{table}_uid"), uid_trigger(model)),
        (format!("{table}_id"), id_trigger(model)),
        (format!("{table}_soft_delete"), soft_delete_trigger(model)),
    ];
    if let Some(cascade) = cascade_trigger(model, models) {
        triggers.push((format!("{table}_cascade"), cascade));
    }
    triggers
}

/// A changed goal gets a new version and is tried at once. Whoever names a goal column is no
/// step: what the statement says of bookkeeping and backend columns (as an ORM does that saves
/// whole rows) is put back.
fn touch_trigger(model: &ModelInfo) -> String {
    let mut goal: Vec<_> = model.column_names(ColumnKind::Goal).collect();
    goal.push("deleted");
    let mut kept = vec!["created", "enacted", "attempted", "backend_status", "backend_class"];
    kept.extend(model.column_names(ColumnKind::Backend));
    let differs = |columns: &[&str]| {
        columns.iter().map(|c| format!("NEW.{c} IS NOT OLD.{c}")).collect::<Vec<_>>().join(" OR ")
    };
    let changed = differs(&goal);
    let meddled = differs(&[&kept[..], &["updated", "attempts", "retry_at", "purgeable"]].concat());
    let kept: Vec<_> = kept.iter().map(|column| format!("{column} = OLD.{column}")).collect();
    format!(
        "CREATE TRIGGER {table}_touch AFTER UPDATE OF {goal} ON {table} FOR EACH ROW\n\
         WHEN {changed} OR {meddled}\nBEGIN\n    UPDATE {table} SET {kept},\n        \
         updated = CASE WHEN {changed} THEN max(OLD.updated + 1, {SQLITE_NOW}) ELSE OLD.updated END,\n        \
         attempts = CASE WHEN {changed} THEN 0 ELSE OLD.attempts END,\n        \
         retry_at = CASE WHEN {changed} THEN NULL ELSE OLD.retry_at END,\n        \
         purgeable = FALSE\n    WHERE id = OLD.id;\nEND",
        table = model.table,
        goal = goal.join(", "),
        kept = kept.join(", "),
    )
}

/// A new row starts as new, whatever its writer says of its bookkeeping.
fn born_trigger(model: &ModelInfo) -> String {
    format!(
        "CREATE TRIGGER {table}_born AFTER INSERT ON {table} FOR EACH ROW\n\
         WHEN NEW.enacted IS NOT NULL OR NEW.attempts <> 0 OR NEW.retry_at IS NOT NULL OR NEW.purgeable \
         OR NEW.backend_status IS NOT NULL OR NEW.updated > {SQLITE_NOW}\n\
         BEGIN\n    UPDATE {table} SET enacted = NULL, attempts = 0, retry_at = NULL, purgeable = FALSE,\n        \
         backend_status = NULL, backend_class = NULL, updated = {SQLITE_NOW}\n    WHERE id = NEW.id;\nEND",
        table = model.table,
    )
}

/// An identity is for life.
fn uid_trigger(model: &ModelInfo) -> String {
    format!(
        "CREATE TRIGGER {table}_uid BEFORE UPDATE OF uid, id ON {table} FOR EACH ROW\n\
         WHEN NEW.uid IS NOT OLD.uid OR NEW.id IS NOT OLD.id\n\
         BEGIN\n    SELECT RAISE(ABORT, '{table}.id and {table}.uid never change: add a new row instead');\nEND",
        table = model.table,
    )
}

/// A key is used once: not again after its row is gone, and not by `INSERT OR REPLACE`, which
/// would remove the row that has it without asking any trigger.
fn id_trigger(model: &ModelInfo) -> String {
    format!(
        "CREATE TRIGGER {table}_id BEFORE INSERT ON {table} FOR EACH ROW\n\
         WHEN NEW.id > 0 AND NEW.id <= (SELECT seq FROM sqlite_sequence WHERE name = '{table}')\n\
         BEGIN\n    SELECT RAISE(ABORT, 'this {table}.id was used before: leave id out, the database gives it');\nEND",
        table = model.table,
    )
}

/// A plain DELETE marks the row; only the framework, which sets `purgeable`, removes it.
fn soft_delete_trigger(model: &ModelInfo) -> String {
    format!(
        "CREATE TRIGGER {table}_soft_delete BEFORE DELETE ON {table} FOR EACH ROW\n\
         WHEN NOT OLD.purgeable\nBEGIN\n    \
         UPDATE {table} SET deleted = TRUE WHERE id = OLD.id AND NOT deleted;\n    \
         SELECT RAISE(IGNORE);\nEND",
        table = model.table,
    )
}

/// The deletion of a row goes on to the rows whose reference says `on_delete = cascade`.
fn cascade_trigger(model: &ModelInfo, models: &[&'static ModelInfo]) -> Option<String> {
    let mut body = String::new();
    for child in models {
        for reference in child.references {
            if (reference.target)() == model && reference.on_delete == OnDelete::Cascade {
                let _ = writeln!(
                    body,
                    "    UPDATE {} SET deleted = TRUE WHERE {} = NEW.id AND NOT deleted;",
                    child.table, reference.column,
                );
            }
        }
    }
    (!body.is_empty()).then(|| {
        format!(
            "CREATE TRIGGER {table}_cascade AFTER UPDATE OF deleted ON {table} FOR EACH ROW\n\
             WHEN NEW.deleted AND NOT OLD.deleted\nBEGIN\n{body}END",
            table = model.table,
        )
    })
}
