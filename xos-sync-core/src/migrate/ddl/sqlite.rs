//! PURE: SQLite's triggers. They use only what SQLite 3.35 has, because they run in the library of
//! whoever writes.

use super::{Extra, Kind, children, deletion, goal_columns, pass_on};
use crate::{
    db::Engine,
    expansion, former,
    model::{Column, ColumnType, ModelInfo, OnDelete},
    sql,
};

/// Triggers on the author's table. They make contract C2 hold for any writer.
pub(super) fn triggers(model: &'static ModelInfo, models: &[&'static ModelInfo]) -> Vec<Extra> {
    let table = model.table;
    let changed = differs(&goal_columns(model));
    let on = |of, name, event, when: &str, statements: &[String]| {
        trigger(model, of, name, event, when, statements)
    };
    let inserted = [known_again(table, "NEW"), new(table)];
    let mut updated = vec![known_again(table, "OLD"), new(table)];
    updated.extend(former::left(Engine::Sqlite, model));
    let mut gone = former::deleted(Engine::Sqlite, model, "OLD");
    gone.push(deleted(model));
    let mut triggers = vec![
        on(model, format!("{table}_inserted"), "INSERT", "", &inserted),
        on(model, format!("{table}_updated"), "UPDATE", &changed, &updated),
        on(model, format!("{table}_deleted"), "DELETE", "", &gone),
    ];
    let cascades = |child: &super::Child| child.reference.on_delete == OnDelete::Cascade;
    for child in children(model, models).into_iter().filter(cascades) {
        // For writers that leave foreign keys off, as the shell does.
        let (of, column) = (child.model.table, child.reference.column);
        let delete = format!("DELETE FROM {of} WHERE {column} = OLD.id");
        let name = sql::name(format!("{of}_{column}_cascade"));
        triggers.push(on(child.model, name, "DELETE", "", &[delete]));
    }
    for (child, name, update) in pass_on(Engine::Sqlite, model, models) {
        triggers.push(on(child.model, name, "UPDATE", &changed, &[update]));
    }
    for effect in expansion::effects(model, models) {
        let of = effect.model;
        triggers.push(on(of, effect.making, "INSERT", "", &effect.insert));
        triggers.push(on(of, effect.remaking, "UPDATE", &changed, &effect.update));
        triggers.push(on(of, effect.unmaking, "DELETE", "", &effect.delete));
    }
    triggers
}

/// A trigger on the table of `on`, which follows from the model `of`.
fn trigger(
    on: &ModelInfo,
    of: &'static ModelInfo,
    name: String,
    event: &str,
    when: &str,
    statements: &[String],
) -> Extra {
    let table = on.table;
    let when = if when.is_empty() { String::new() } else { format!("\nWHEN {when}") };
    let body: String = statements.iter().map(|statement| format!("    {statement};\n")).collect();
    let sql = format!(
        "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW{when}\nBEGIN\n{body}END"
    );
    Extra { kind: Kind::Trigger, name, table: table.to_owned(), model: of, check: None, sql }
}

/// A row whose bookkeeping is there: its next version. `INSERT OR REPLACE` is a change too, for
/// which no trigger tells of a deletion.
fn known_again(table: &str, row: &str) -> String {
    format!(
        "UPDATE {table}_sync SET object_id = NEW.id, {} WHERE object_id = {row}.id AND NOT deleted",
        sql::next_version(Engine::Sqlite)
    )
}

/// A row that has no bookkeeping yet.
fn new(table: &str) -> String {
    format!(
        "INSERT INTO {table}_sync (object_id) SELECT NEW.id WHERE NOT EXISTS \
         (SELECT 1 FROM {table}_sync WHERE object_id = NEW.id AND NOT deleted)"
    )
}

/// A deleted row leaves its last values.
fn deleted(model: &ModelInfo) -> String {
    let columns: Vec<_> = model.columns.iter().map(|column| column.name).collect();
    format!(
        "UPDATE {table}_sync SET {deletion},\n        last = {last}\n    \
         WHERE object_id = OLD.id AND NOT deleted",
        table = model.table,
        deletion = deletion(Engine::Sqlite, model, "OLD"),
        last = sql::json_object(&columns, "OLD"),
    )
}

fn differs(columns: &[&str]) -> String {
    columns.iter().map(|c| format!("NEW.{c} IS NOT OLD.{c}")).collect::<Vec<_>>().join(" OR ")
}

/// The check that a column's value is of its type.
pub(super) fn is_of_type(column: &Column) -> String {
    let name = column.name;
    let kind = |kind: &str| format!("typeof({name}) = '{kind}'");
    let check = match column.sql_type {
        ColumnType::Text => kind("text"),
        ColumnType::Integer => {
            format!("{} AND {name} BETWEEN -2147483648 AND 2147483647", kind("integer"))
        }
        ColumnType::BigInt => kind("integer"),
        ColumnType::Bool => format!("{} AND {name} IN (0, 1)", kind("integer")),
        ColumnType::Double => kind("real"),
    };
    if column.nullable { format!("{name} IS NULL OR {check}") } else { check }
}
