//! PostgreSQL's constraints and triggers: what SQLite's do, and the notifications.

use super::{
    Extra, Kind, cascade,
    expansion::{self, Effect},
    goal_columns, kept_columns, pass_on,
};
use crate::{db::Engine, model::ModelInfo, sql};

const NOW: &str = sql::now(Engine::Postgres);

/// Stamps leave dead entries in the partial indexes: they are cleaned up early, so that asking
/// what is pending stays cheap.
pub(super) const OPTIONS: &str =
    " WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000)";

/// What a change tells, for all models: which row, and after a few rows of one transaction only
/// which table, which the server then tells once.
pub(in crate::migrate) const TELL: &str = "
CREATE OR REPLACE FUNCTION xos_sync_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told integer := coalesce(nullif(current_setting('xos_sync.told', true), ''), '0')::integer;
    channel text := left('xos_sync.' || TG_TABLE_SCHEMA, 63);
BEGIN
    IF told < 16 THEN
        PERFORM set_config('xos_sync.told', (told + 1)::text, true);
        PERFORM pg_notify(channel, TG_TABLE_NAME || ' ' || NEW.id);
    ELSE
        PERFORM pg_notify(channel, TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION xos_sync_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would forget what the backend holds of %: use DELETE', TG_TABLE_NAME;
END $$;";

/// Keeps the statement that something was made from beside it.
pub(super) fn note(extra: &Extra) -> String {
    let Extra { kind, name, table, sql } = extra;
    let what = match kind {
        Kind::Index => format!("INDEX {name}"),
        Kind::Trigger => format!("TRIGGER {name} ON {table}"),
        Kind::Constraint => format!("CONSTRAINT {name} ON {table}"),
    };
    format!("\nCOMMENT ON {what} IS '{}';", sql.replace('\'', "''"))
}

/// Foreign keys by name.
pub(super) fn constraints(model: &ModelInfo) -> Vec<(String, String)> {
    let table = model.table;
    let constraint = |reference: &crate::model::Reference| {
        let (column, target) = (reference.column, (reference.target)().table);
        let name = sql::name(format!("{table}_{column}_fkey"));
        let sql = format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {target} (id)"
        );
        (name, sql)
    };
    model.references.iter().map(constraint).collect()
}

/// Triggers by name. They make contract C2 hold for any writer.
pub(super) fn triggers(model: &ModelInfo, models: &[&'static ModelInfo]) -> Vec<(String, String)> {
    let table = model.table;
    let mut triggers = vec![
        (format!("{table}_touch"), touch(model)),
        (format!("{table}_born"), born(model)),
        (format!("{table}_uid"), identity(model)),
        (format!("{table}_soft_delete"), soft_delete(model)),
        (
            format!("{table}_no_truncate"),
            format!(
                "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT\n\
                 EXECUTE FUNCTION xos_sync_no_truncate()"
            ),
        ),
        (
            format!("{table}_tell"),
            format!(
                "CREATE TRIGGER {table}_tell AFTER INSERT OR UPDATE OF {goal}, no_sync, lazy_blocked, retry_at \
                 ON {table} FOR EACH ROW\nWHEN (NEW.retry_at IS NULL)\nEXECUTE FUNCTION xos_sync_tell()",
                goal = goal_columns(model).join(", "),
            ),
        ),
    ];
    let cascade = cascade(model, models);
    if !cascade.is_empty() {
        let when = Trigger {
            name: "cascade",
            event: "AFTER UPDATE OF deleted",
            when: "NEW.deleted AND NOT OLD.deleted",
        };
        let sql = when.calling(model, &format!("{cascade}    RETURN NULL;\n"));
        triggers.push((format!("{table}_cascade"), sql));
    }
    let pass_on = pass_on(Engine::Postgres, model, models);
    if !pass_on.is_empty() {
        let goal = goal_columns(model);
        let event = format!("AFTER UPDATE OF {}", goal.join(", "));
        let when = format!("NOT NEW.deleted AND {}", differs(&goal));
        let sql = Trigger { name: "pass_on", event: &event, when: &when }
            .calling(model, &format!("{pass_on}    RETURN NULL;\n"));
        triggers.push((format!("{table}_pass_on"), sql));
    }
    triggers.extend(expansion::effects(model, models).into_iter().flat_map(|e| expand(model, e)));
    triggers
}

/// What follows from a row is made when its transaction commits, by one transaction at a time:
/// of two that combine, the later one sees the other's rows. Nobody waits for an open one.
fn expand(model: &ModelInfo, effect: Effect) -> [(String, String); 2] {
    let table = model.table;
    let of = format!("UPDATE OF {}", goal_columns(model).join(", "));
    let Effect { making, remaking, insert, update } = effect;
    [("INSERT", insert, making), (of.as_str(), update, remaking)].map(|(event, body, name)| {
        let sql = format!(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql \
                 SET search_path FROM CURRENT AS $$\nBEGIN\n    \
                 PERFORM pg_advisory_xact_lock(hashtext(TG_TABLE_SCHEMA || '/expand'));\n    \
                 {body};\n    RETURN NULL;\nEND $$;\n\
                 CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table}\n\
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW\nEXECUTE FUNCTION {name}()"
        );
        (name, sql)
    })
}

/// A trigger with a function of its own.
struct Trigger<'a> {
    name: &'a str,
    event: &'a str,
    when: &'a str,
}

impl Trigger<'_> {
    /// The function sees the tables as who made it did, whatever the writer's search path is.
    fn calling(&self, model: &ModelInfo, body: &str) -> String {
        let (table, Self { name, event, when }) = (model.table, self);
        format!(
            "CREATE OR REPLACE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql \
             SET search_path FROM CURRENT AS $$\nBEGIN\n{body}END $$;\n\
             CREATE TRIGGER {table}_{name} {event} ON {table} FOR EACH ROW\nWHEN ({when})\n\
             EXECUTE FUNCTION {table}_{name}()"
        )
    }
}

/// A changed goal gets a new version and is tried at once. Whoever names a goal column is no
/// step: what the statement says of bookkeeping and backend columns (as an ORM does that saves
/// whole rows) is put back.
fn touch(model: &ModelInfo) -> String {
    let (goal, kept) = (goal_columns(model), kept_columns(model));
    let changed = differs(&goal);
    let meddled = differs(&[&kept[..], &["updated", "attempts", "retry_at", "purgeable"]].concat());
    let kept: String =
        kept.iter().map(|column| format!("    NEW.{column} := OLD.{column};\n")).collect();
    let body = format!(
        "{kept}    NEW.purgeable := FALSE;\n    IF {changed} THEN\n        \
         NEW.updated := greatest(OLD.updated + 1, {NOW});\n        \
         NEW.attempts := 0;\n        NEW.retry_at := NULL;\n    ELSE\n        \
         NEW.updated := OLD.updated;\n        NEW.attempts := OLD.attempts;\n        \
         NEW.retry_at := OLD.retry_at;\n    END IF;\n    RETURN NEW;\n"
    );
    let event = format!("BEFORE UPDATE OF {}", goal.join(", "));
    let when = format!("{changed} OR {meddled}");
    Trigger { name: "touch", event: &event, when: &when }.calling(model, &body)
}

fn differs(columns: &[&str]) -> String {
    let row = |whose: &str| {
        columns.iter().map(|column| format!("{whose}.{column}")).collect::<Vec<_>>().join(", ")
    };
    format!("ROW({}) IS DISTINCT FROM ROW({})", row("NEW"), row("OLD"))
}

/// A new row starts as new, whatever its writer says of its bookkeeping.
fn born(model: &ModelInfo) -> String {
    let body = format!(
        "    NEW.enacted := NULL;\n    NEW.attempts := 0;\n    NEW.retry_at := NULL;\n    \
         NEW.purgeable := FALSE;\n    NEW.backend_status := NULL;\n    NEW.backend_class := NULL;\n    \
         NEW.updated := least(NEW.updated, {NOW});\n    RETURN NEW;\n"
    );
    let when = format!(
        "NEW.enacted IS NOT NULL OR NEW.attempts <> 0 OR NEW.retry_at IS NOT NULL OR NEW.purgeable \
         OR NEW.backend_status IS NOT NULL OR NEW.updated > {NOW}"
    );
    Trigger { name: "born", event: "BEFORE INSERT", when: &when }.calling(model, &body)
}

/// An identity is for life.
fn identity(model: &ModelInfo) -> String {
    let body = format!(
        "    RAISE EXCEPTION '{table}.id and {table}.uid never change: add a new row instead';\n",
        table = model.table,
    );
    Trigger {
        name: "uid",
        event: "BEFORE UPDATE OF uid, id",
        when: "NEW.uid IS DISTINCT FROM OLD.uid OR NEW.id IS DISTINCT FROM OLD.id",
    }
    .calling(model, &body)
}

/// A plain DELETE marks the row; only the framework, which sets `purgeable`, removes it.
fn soft_delete(model: &ModelInfo) -> String {
    let body = format!(
        "    UPDATE {table} SET deleted = TRUE WHERE id = OLD.id AND NOT deleted;\n    RETURN NULL;\n",
        table = model.table,
    );
    Trigger { name: "soft_delete", event: "BEFORE DELETE", when: "NOT OLD.purgeable" }
        .calling(model, &body)
}
