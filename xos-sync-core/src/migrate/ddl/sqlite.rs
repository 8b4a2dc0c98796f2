//! SQLite's triggers. They use only what SQLite 3.35 has, because they run in the library of
//! whoever writes.

use super::{cascade, expansion, goal_columns, kept_columns, pass_on};
use crate::{db::Engine, model::ModelInfo, sql};

const NOW: &str = sql::now(Engine::Sqlite);

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
    if let Some(pass_on) = pass_on_trigger(model, models) {
        triggers.push((format!("{table}_pass_on"), pass_on));
    }
    for effect in expansion::effects(model, models) {
        let goal = goal_columns(model).join(", ");
        for (event, body, name) in [
            ("INSERT".to_owned(), effect.insert, effect.making),
            (format!("UPDATE OF {goal}"), effect.update, effect.remaking),
        ] {
            let sql = format!(
                "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW\nBEGIN\n    {body};\nEND"
            );
            triggers.push((name, sql));
        }
    }
    triggers
}

/// A changed goal gets a new version and is tried at once. Whoever names a goal column is no
/// step: what the statement says of bookkeeping and backend columns (as an ORM does that saves
/// whole rows) is put back.
fn touch_trigger(model: &ModelInfo) -> String {
    let (goal, kept, now) = (goal_columns(model), kept_columns(model), NOW);
    let changed = differs(&goal);
    let meddled = differs(&[&kept[..], &["updated", "attempts", "retry_at", "purgeable"]].concat());
    let kept: Vec<_> = kept.iter().map(|column| format!("{column} = OLD.{column}")).collect();
    format!(
        "CREATE TRIGGER {table}_touch AFTER UPDATE OF {goal} ON {table} FOR EACH ROW\n\
         WHEN {changed} OR {meddled}\nBEGIN\n    UPDATE {table} SET {kept},\n        \
         updated = CASE WHEN {changed} THEN max(OLD.updated + 1, {now}) ELSE OLD.updated END,\n        \
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
         OR NEW.backend_status IS NOT NULL OR NEW.updated > {now}\n\
         BEGIN\n    UPDATE {table} SET enacted = NULL, attempts = 0, retry_at = NULL, purgeable = FALSE,\n        \
         backend_status = NULL, backend_class = NULL, updated = {now}\n    WHERE id = NEW.id;\nEND",
        table = model.table,
        now = NOW,
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
    let body = cascade(model, models);
    (!body.is_empty()).then(|| {
        format!(
            "CREATE TRIGGER {table}_cascade AFTER UPDATE OF deleted ON {table} FOR EACH ROW\n\
             WHEN NEW.deleted AND NOT OLD.deleted\nBEGIN\n{body}END",
            table = model.table,
        )
    })
}

/// The change of a row goes on to the rows whose reference says `on_update = sync`.
fn pass_on_trigger(model: &ModelInfo, models: &[&'static ModelInfo]) -> Option<String> {
    let body = pass_on(Engine::Sqlite, model, models);
    let goal = goal_columns(model);
    (!body.is_empty()).then(|| {
        format!(
            "CREATE TRIGGER {table}_pass_on AFTER UPDATE OF {columns} ON {table} FOR EACH ROW\n\
             WHEN NOT NEW.deleted AND ({changed})\nBEGIN\n{body}END",
            table = model.table,
            columns = goal.join(", "),
            changed = differs(&goal),
        )
    })
}

fn differs(columns: &[&str]) -> String {
    columns.iter().map(|c| format!("NEW.{c} IS NOT OLD.{c}")).collect::<Vec<_>>().join(" OR ")
}
