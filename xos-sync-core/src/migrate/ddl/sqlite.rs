//! PURE: SQLite's triggers. They use only what SQLite 3.35 has, because they run in the library of
//! whoever writes.

use super::{Extra, Kind, deletion, goal_columns, pass_on};
use crate::{
    db::Engine,
    expansion,
    model::{Column, ColumnType, ModelInfo, OnDelete},
    sql,
};

/// Triggers on the author's table. They make contract C2 hold for any writer.
pub(super) fn triggers(model: &ModelInfo, models: &[&'static ModelInfo]) -> Vec<Extra> {
    let table = model.table;
    let changed = differs(&goal_columns(model));
    let mut triggers = vec![
        trigger(
            format!("{table}_inserted"),
            table,
            "INSERT",
            "",
            &[known_again(table, "NEW"), new(table)],
        ),
        trigger(
            format!("{table}_updated"),
            table,
            "UPDATE",
            &changed,
            &[known_again(table, "OLD"), new(table)],
        ),
        trigger(format!("{table}_deleted"), table, "DELETE", "", &[deleted(model)]),
    ];
    for child in models {
        for reference in child.references {
            if (reference.target)() == model && reference.on_delete == OnDelete::Cascade {
                // For writers that leave foreign keys off, as the shell does.
                let (child, column) = (child.table, reference.column);
                let name = sql::name(format!("{child}_{column}_cascade"));
                let delete = format!("DELETE FROM {child} WHERE {column} = OLD.id");
                triggers.push(trigger(name, table, "DELETE", "", &[delete]));
            }
        }
    }
    let pass_on = pass_on(Engine::Sqlite, model, models);
    if !pass_on.is_empty() {
        triggers.push(trigger(format!("{table}_pass_on"), table, "UPDATE", &changed, &pass_on));
    }
    for effect in expansion::effects(model, models) {
        for (event, name, when, statements) in [
            ("INSERT", effect.making, "", effect.insert),
            ("UPDATE", effect.remaking, changed.as_str(), effect.update),
            ("DELETE", effect.unmaking, "", effect.delete),
        ] {
            triggers.push(trigger(name, table, event, when, &statements));
        }
    }
    triggers
}

fn trigger(name: String, table: &str, event: &str, when: &str, statements: &[String]) -> Extra {
    let when = if when.is_empty() { String::new() } else { format!("\nWHEN {when}") };
    let body: String = statements.iter().map(|statement| format!("    {statement};\n")).collect();
    let sql = format!(
        "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW{when}\nBEGIN\n{body}END"
    );
    Extra { kind: Kind::Trigger, name, table: table.to_owned(), sql }
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
