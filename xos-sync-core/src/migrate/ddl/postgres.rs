//! PURE: PostgreSQL's constraints and triggers: SQLite's, and the notifications.

use super::{Extra, Kind, RowCheck, deletion, goal_columns, is_a_choice, on_delete, pass_on};
use crate::{
    db::Engine,
    expansion::{self, Effect},
    former,
    model::ModelInfo,
    sql,
};

/// Stamps leave dead entries in the partial indexes: they are cleaned up early, so that asking
/// which rows are pending stays cheap.
pub(super) const OPTIONS: &str =
    " WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000)";

/// The notification of a change, for all models: it names the row, and after a few rows of one
/// transaction only the table, which the server then sends once.
pub(in crate::migrate) const NOTIFY: &str = "
CREATE OR REPLACE FUNCTION xos_sync_notify() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sent integer := coalesce(nullif(current_setting('xos_sync.sent', true), ''), '0')::integer;
    channel text := left('xos_sync.' || TG_TABLE_SCHEMA, 63);
BEGIN
    IF coalesce(current_setting('xos_sync.notifications', true), 'on') = 'off' THEN
        RETURN NULL;
    END IF;
    IF sent < 16 THEN
        PERFORM set_config('xos_sync.sent', (sent + 1)::text, true);
        PERFORM pg_notify(channel, TG_ARGV[0] || ' ' || NEW.sync_id);
    ELSE
        PERFORM pg_notify(channel, TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $$;";

/// Keeps the statement that something was made from beside it.
pub(super) fn note(extra: &Extra) -> String {
    let Extra { kind, name, table, sql, .. } = extra;
    let what = match kind {
        Kind::Index => format!("INDEX {name}"),
        Kind::Trigger => format!("TRIGGER {name} ON {table}"),
        Kind::Constraint => format!("CONSTRAINT {name} ON {table}"),
    };
    format!("\nCOMMENT ON {what} IS '{}';", sql.replace('\'', "''"))
}

/// Foreign keys, and the words of choices.
pub(super) fn constraints(model: &'static ModelInfo) -> Vec<Extra> {
    let table = model.table;
    let constraint = |reference: &crate::model::Reference| {
        let (column, target) = (reference.column, (reference.target)().table);
        let name = sql::name(format!("{table}_{column}_fkey"));
        let sql = format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {target} (id){}",
            on_delete(reference.on_delete)
        );
        Extra { kind: Kind::Constraint, name, table: table.to_owned(), model, check: None, sql }
    };
    let choice = |column: &crate::model::Column| {
        let name = sql::name(format!("{table}_{}_choice", column.name));
        let words = is_a_choice(column)?;
        let sql = format!("ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({words})");
        let check = RowCheck {
            columns: vec![column.name],
            broken: format!("NOT ({words})"),
            advice: format!(
                "write one of {} into {table}.{}",
                column.choices?.join(", "),
                column.name
            ),
        };
        let kind = Kind::Constraint;
        Some(Extra { kind, name, table: table.to_owned(), model, check: Some(check), sql })
    };
    let choices = model.columns.iter().filter_map(choice);
    model.references.iter().map(constraint).chain(choices).collect()
}

/// Triggers on the author's table and on the bookkeeping. They make contract C2 hold for any
/// writer.
pub(super) fn triggers(model: &'static ModelInfo, models: &[&'static ModelInfo]) -> Vec<Extra> {
    let table = model.table;
    let changed = differs(&goal_columns(model));
    let version = sql::next_version(Engine::Postgres);
    let next = version.replace("updated + 1", &format!("{table}_sync.updated + 1"));
    let gone = deletion(Engine::Postgres, model, "OLD");
    let insert = format!(
        "INSERT INTO {table}_sync (object_id) VALUES (NEW.id)\n    \
         ON CONFLICT (object_id) WHERE NOT deleted DO UPDATE SET {next}"
    );
    let update = format!(
        "UPDATE {table}_sync SET object_id = NEW.id, {version} WHERE object_id = OLD.id AND NOT deleted;\n    \
         IF NOT FOUND THEN INSERT INTO {table}_sync (object_id) VALUES (NEW.id); END IF"
    );
    let delete = format!(
        "UPDATE {table}_sync SET {gone},\n        last = to_jsonb(OLD)\n    \
         WHERE object_id = OLD.id AND NOT deleted"
    );
    // The author's columns may have the names of the bookkeeping's.
    let truncated = deletion(Engine::Postgres, model, "t")
        .replace("updated + 1", &format!("{table}_sync.updated + 1"))
        .replace("coalesce(applied_", &format!("coalesce({table}_sync.applied_"));
    let truncate = format!(
        "UPDATE {table}_sync SET {truncated},\n        last = to_jsonb(t)\n    \
         FROM {table} AS t WHERE t.id = {table}_sync.object_id AND NOT {table}_sync.deleted"
    );
    let mut updates = vec![update];
    updates.extend(former::left(Engine::Postgres, model));
    let with_former = |row: &str, statement: String| {
        let mut statements = former::deleted(Engine::Postgres, model, row);
        statements.push(statement);
        statements
    };
    let (delete, truncate) = (with_former("OLD", delete), with_former("t", truncate));
    let row = "FOR EACH ROW";
    let each = |when: &str| format!("{row} WHEN ({when})");
    let mut triggers = vec![
        trigger(model, format!("{table}_inserted"), table, "AFTER INSERT", row, &[insert]),
        trigger(
            model,
            format!("{table}_updated"),
            table,
            "AFTER UPDATE",
            &each(&changed),
            &updates,
        ),
        trigger(model, format!("{table}_deleted"), table, "AFTER DELETE", row, &delete),
        trigger(
            model,
            format!("{table}_truncated"),
            table,
            "BEFORE TRUNCATE",
            "FOR EACH STATEMENT",
            &truncate,
        ),
        notify(model),
    ];
    for (child, name, update) in pass_on(Engine::Postgres, model, models) {
        triggers.push(trigger(
            child.model,
            name,
            table,
            "AFTER UPDATE",
            &each(&changed),
            &[update],
        ));
    }
    let effects = expansion::effects(model, models).into_iter();
    triggers.extend(effects.flat_map(|effect| expand(model, effect)));
    triggers
}

/// The bookkeeping tells of rows that are to be looked at; not of stamps.
fn notify(model: &'static ModelInfo) -> Extra {
    let (table, kept) = (model.table, sql::sync_table(model));
    let name = format!("{table}_notify");
    let sql = format!(
        "CREATE TRIGGER {name} AFTER INSERT OR UPDATE OF updated, no_sync, lazy_blocked, retry_at \
         ON {kept} FOR EACH ROW\nWHEN (NEW.retry_at IS NULL)\nEXECUTE FUNCTION xos_sync_notify('{table}')"
    );
    always(Extra { kind: Kind::Trigger, name, table: kept, model, check: None, sql })
}

/// Rows that follow from a row are made when its transaction commits, by one transaction at a
/// time: of two that combine, the later one sees the other's rows. A writer does not wait for
/// strangers: where one is in the way, or the writer's snapshot may be too old to see all rows, the
/// Synchronizer is told to make them.
fn expand(model: &ModelInfo, effect: Effect) -> [Extra; 3] {
    let Effect { model: of, making, remaking, unmaking, insert, update, delete } = effect;
    [("INSERT", insert, making), ("UPDATE", update, remaking), ("DELETE", delete, unmaking)].map(
        |(event, statements, name)| {
            let (table, expanded) = (model.table, of.table);
            let leave = format!(
                "INSERT INTO xos_sync_unexpanded (model) VALUES ('{expanded}');\n        \
                 PERFORM pg_notify(left('xos_sync.' || TG_TABLE_SCHEMA, 63), '{expanded}') WHERE {}",
                sql::NOTIFICATIONS_ARE_ON
            );
            let statements: String =
                statements.iter().map(|statement| format!("        {statement};\n")).collect();
            let sql = format!(
                "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
                 SET search_path FROM CURRENT SET lock_timeout = '200ms' AS $$\nBEGIN\n    \
                 IF current_setting('transaction_isolation') <> 'read committed' THEN\n        {leave};\n    \
                 END IF;\n    BEGIN\n        \
                 PERFORM pg_advisory_xact_lock(hashtext(TG_TABLE_SCHEMA || '/expand'));\n{statements}    \
                 EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure \
                 OR unique_violation OR foreign_key_violation THEN\n        {leave};\n    END;\n    \
                 RETURN NULL;\nEND $$;\n\
                 CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table}\n\
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW\nEXECUTE FUNCTION {name}()"
            );
            always(Extra {
                kind: Kind::Trigger,
                name,
                table: table.to_owned(),
                model: of,
                check: None,
                sql,
            })
        },
    )
}

/// A trigger with a function of its own.
fn trigger(
    of: &'static ModelInfo,
    name: String,
    table: &str,
    event: &str,
    each: &str,
    statements: &[String],
) -> Extra {
    let function = function(&name, statements);
    let sql = format!(
        "{function};\nCREATE TRIGGER {name} {event} ON {table} {each}\nEXECUTE FUNCTION {name}()"
    );
    always(Extra {
        kind: Kind::Trigger,
        name,
        table: table.to_owned(),
        model: of,
        check: None,
        sql,
    })
}

/// The function acts for whoever made it, who may write the bookkeeping, and sees the tables as he
/// did, whatever the writer's rights and search path are.
fn function(name: &str, statements: &[String]) -> String {
    let body: String = statements.iter().map(|statement| format!("    {statement};\n")).collect();
    format!(
        "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
         SET search_path FROM CURRENT AS $$\nBEGIN\n{body}    RETURN NULL;\nEND $$"
    )
}

/// The trigger fires for replication and restore tools too.
fn always(extra: Extra) -> Extra {
    let Extra { name, table, sql, .. } = &extra;
    let sql = format!("{sql};\nALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}");
    Extra { sql, ..extra }
}

fn differs(columns: &[&str]) -> String {
    let row = |whose: &str| {
        columns.iter().map(|column| format!("{whose}.{column}")).collect::<Vec<_>>().join(", ")
    };
    format!("ROW({}) IS DISTINCT FROM ROW({})", row("NEW"), row("OLD"))
}
