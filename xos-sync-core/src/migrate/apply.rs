//! From what the database has to what the models say.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};

use super::{
    Migrations, ddl,
    schema::{Schema, applied},
};
use crate::{
    db::AnyConnection,
    error::{Error, Result},
    model::ModelInfo,
    registry::ModelRegistration,
};

/// The framework's own tables: what was applied, when each step last came round, and which
/// rows are in hand for the first time (the write-ahead log behind contract C4).
const FRAMEWORK: &str = "
CREATE TABLE IF NOT EXISTS xos_sync_migrations (
    crate_name TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (crate_name, name)
);
CREATE TABLE IF NOT EXISTS xos_sync_steps (
    synchronizer TEXT NOT NULL, step TEXT NOT NULL, model TEXT NOT NULL, provides TEXT NOT NULL, only_rows TEXT,
    last_run BIGINT, attempts INTEGER NOT NULL DEFAULT 0, retry_at BIGINT, backend_status TEXT,
    PRIMARY KEY (synchronizer, step, model)
);
CREATE TABLE IF NOT EXISTS xos_sync_journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, synchronizer TEXT NOT NULL, model TEXT NOT NULL, ids TEXT NOT NULL
);";

/// What is to be done.
struct Task {
    what: String,
    sql: String,
    /// Crate, name and content of a numbered file.
    file: Option<(&'static str, &'static str)>,
}

pub(super) fn migrate(
    conn: &mut AnyConnection,
    models: &[&'static ModelInfo],
) -> Result<Vec<String>> {
    conn.batch_execute(FRAMEWORK)?;
    let mut done = Vec::new();
    for task in pending_files(conn, models)? {
        in_transaction(conn, &task.what, |conn| run(conn, &task))?;
        done.push(task.what);
    }
    let tasks = from_models(conn, models)?;
    in_transaction(conn, "from the models", |conn| {
        tasks.iter().try_for_each(|task| run(conn, task))
    })?;
    done.extend(tasks.into_iter().map(|task| task.what));
    Ok(done)
}

pub(super) fn check(conn: &mut AnyConnection, models: &[&'static ModelInfo]) -> Result<()> {
    if !Schema::read(conn)?.tables.contains_key("xos_sync_migrations") {
        return Err(Error::Migration("it has no tables of this program yet".into()));
    }
    let mut missing = pending_files(conn, models)?;
    missing.extend(from_models(conn, models)?);
    match missing.into_iter().next() {
        Some(task) => Err(Error::Migration(format!("it lacks: {}", task.what))),
        None => Ok(()),
    }
}

fn in_transaction(
    conn: &mut AnyConnection,
    name: &str,
    work: impl FnOnce(&mut AnyConnection) -> diesel::QueryResult<()>,
) -> Result<()> {
    conn.batch_execute("BEGIN IMMEDIATE")?;
    let outcome = work(conn).and_then(|()| conn.batch_execute("COMMIT"));
    outcome.map_err(|error| {
        let _ = conn.batch_execute("ROLLBACK");
        Error::MigrationFailed { name: name.to_owned(), reason: error.to_string() }
    })
}

fn run(conn: &mut AnyConnection, task: &Task) -> diesel::QueryResult<()> {
    conn.batch_execute(&task.sql)?;
    if let Some((crate_name, name)) = task.file {
        sql_query("INSERT INTO xos_sync_migrations (crate_name, name, content) VALUES (?, ?, ?)")
            .bind::<Text, _>(crate_name)
            .bind::<Text, _>(name)
            .bind::<Text, _>(&task.sql)
            .execute(conn)?;
    }
    Ok(())
}

/// Numbered files that are not applied yet: this crate's first, as others build on its tables.
fn pending_files(conn: &mut AnyConnection, models: &[&'static ModelInfo]) -> Result<Vec<Task>> {
    let applied: BTreeMap<_, _> =
        applied(conn)?.into_iter().map(|row| ((row.crate_name, row.name), row.content)).collect();
    // A crate of which the registry has none of its models needs no tables here.
    let linked: BTreeSet<_> = inventory::iter::<ModelRegistration>
        .into_iter()
        .map(|model| (model.0)().crate_name)
        .collect();
    let used = |migrations: &&Migrations| {
        !linked.contains(migrations.crate_name)
            || models.iter().any(|model| model.crate_name == migrations.crate_name)
    };
    let mut crates: Vec<_> = inventory::iter::<Migrations>.into_iter().filter(used).collect();
    crates.sort_by_key(|migrations| {
        (migrations.crate_name != "xos_sync_core", migrations.crate_name)
    });
    let mut tasks = Vec::new();
    for migrations in crates {
        let crate_name = migrations.crate_name;
        let newer = applied.keys().find(|(owner, name)| {
            owner == crate_name && !migrations.files.iter().any(|(file, _)| file == name)
        });
        if let Some((_, name)) = newer {
            return Err(Error::MigrationFailed {
                name: format!("{crate_name} {name}"),
                reason: "the database has it, this program does not: it was migrated by a newer program; run \
                         that one"
                    .into(),
            });
        }
        for (name, sql) in migrations.files {
            match applied.get(&(crate_name.to_owned(), (*name).to_owned())) {
                Some(content) if content != sql => {
                    return Err(Error::MigrationFailed {
                        name: format!("{crate_name} {name}"),
                        reason: "the file was changed after it had been applied: put it back, and write a new \
                                 file with the next number"
                            .into(),
                    });
                }
                Some(_) => {}
                None => tasks.push(Task {
                    what: format!("{crate_name} {name}"),
                    sql: (*sql).to_owned(),
                    file: Some((crate_name, name)),
                }),
            }
        }
    }
    Ok(tasks)
}

/// Tables and columns that lack, then indexes and triggers that differ.
fn from_models(conn: &mut AnyConnection, models: &[&'static ModelInfo]) -> Result<Vec<Task>> {
    let schema = Schema::read(conn)?;
    let mut tasks = Vec::new();
    for model in models {
        match schema.tables.get(model.table) {
            None => tasks.push(Task {
                what: format!("table {}", model.table),
                sql: ddl::create_table(model),
                file: None,
            }),
            Some(columns) => {
                if let Some(name) = ddl::bookkeeping_names().find(|name| !columns.contains(name)) {
                    return Err(Error::Migration(format!(
                        "the table {} has no column {name}, so it is not a table of a model: rename one of them",
                        model.table
                    )));
                }
                for column in model.columns.iter().filter(|column| !columns.contains(column.name)) {
                    tasks.push(add_column(model, column)?);
                }
            }
        }
    }
    for model in models {
        let extras = ddl::indexes(model).into_iter().chain(ddl::triggers(model, models));
        for (name, sql) in extras {
            let kind = if sql.starts_with("CREATE TRIGGER") { "TRIGGER" } else { "INDEX" };
            match schema.extras.get(&name) {
                Some(there) if *there == sql => {}
                there => {
                    let drop = there.map_or(String::new(), |_| format!("DROP {kind} {name};\n"));
                    tasks.push(Task {
                        what: format!("{} {name}", kind.to_lowercase()),
                        sql: format!("{drop}{sql};"),
                        file: None,
                    });
                }
            }
        }
    }
    Ok(tasks)
}

fn add_column(model: &ModelInfo, column: &crate::model::Column) -> Result<Task> {
    if !column.nullable && column.default.is_none() {
        return Err(Error::Migration(format!(
            "the table {} lacks the column {}, and nobody can know its value for the rows that are there: make \
             the field an Option, give it a #[default(…)], or write a numbered SQL file",
            model.table, column.name
        )));
    }
    Ok(Task {
        what: format!("column {}.{}", model.table, column.name),
        sql: format!(
            "ALTER TABLE {} ADD COLUMN {};",
            model.table,
            ddl::column_definition(model, column)
        ),
        file: None,
    })
}
