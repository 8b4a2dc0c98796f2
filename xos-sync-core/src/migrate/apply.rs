//! From what the database has to what the models say.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_types::Text};

use super::{
    Migrations, columns, ddl,
    declared::{self, Versions},
    framework,
    schema::{Schema, applied},
};
use crate::{
    db::{AnyConnection, Engine},
    error::{Error, Result},
    expansion,
    model::{ColumnKind, ModelInfo},
    registry::ModelRegistration,
    sql,
};

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
    let tables = framework::tables(conn.engine());
    in_transaction(conn, |conn| conn.batch_execute(&tables))
        .map_err(|error| failed("of the framework's own tables", &error))?;
    let mut done = Vec::new();
    for task in pending_files(conn, models)? {
        in_transaction(conn, |conn| run(conn, &task))
            .map_err(|error| failed(&task.what, &error))?;
        done.push(task.what);
    }
    let versions = Versions::read(conn)?;
    let tasks = from_models(conn, models, &versions)?;
    if let Some((version, model)) =
        models.iter().find_map(|model| Some((versions.newer_than(model)?, model)))
        && let Some(task) = tasks.first()
    {
        return Err(Error::MigrationFailed {
            name: format!("from the models, of the {}", task.what),
            reason: format!(
                "the database was migrated by version {version} of {}, and this program has version {}: run \
                 `migrate` of the newer program",
                model.crate_name, model.crate_version
            ),
        });
    }
    let versions = declared::note_versions(models, &versions);
    let mut at = None;
    without_foreign_keys(conn, |conn| {
        in_transaction(conn, |conn| {
            tasks.iter().try_for_each(|task| {
                at = Some(task);
                run(conn, task)
            })?;
            // PostgreSQL refuses an empty statement.
            if versions.is_empty() { Ok(()) } else { conn.batch_execute(&versions) }
        })
    })
    .map_err(|error| {
        let what = at.map_or("", |task| task.what.as_str());
        failed(&format!("from the models, of the {what}"), &error)
    })?;
    done.extend(tasks.into_iter().map(|task| task.what));
    if conn.engine() == Engine::Sqlite {
        // The file alone is the whole database then, for whoever copies it. Whoever reads it just
        // now keeps the log, and ends it later.
        let _ = conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    Ok(done)
}

pub(super) fn check(conn: &mut AnyConnection, models: &[&'static ModelInfo]) -> Result<()> {
    if !Schema::read(conn)?.tables.contains_key("xos_sync_migrations") {
        return Err(Error::Migration("it has no tables of this program yet".into()));
    }
    let mut missing = pending_files(conn, models)?;
    let versions = Versions::read(conn)?;
    missing.extend(from_models(conn, models, &versions)?);
    match missing.into_iter().next() {
        Some(task) => Err(Error::Migration(format!("it lacks: {}", task.what))),
        None => Ok(()),
    }
}

fn in_transaction(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> diesel::QueryResult<()>,
) -> diesel::QueryResult<()> {
    match conn.engine() {
        Engine::Sqlite => conn.batch_execute("BEGIN IMMEDIATE")?,
        // One program migrates at a time.
        Engine::Postgres => conn.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7867923)")?,
    }
    let outcome = work(conn).and_then(|()| conn.batch_execute("COMMIT"));
    outcome.inspect_err(|_| {
        let _ = conn.batch_execute("ROLLBACK");
    })
}

/// SQLite rebuilds a table by dropping it, which must not delete the rows that reference it.
fn without_foreign_keys(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> diesel::QueryResult<()>,
) -> diesel::QueryResult<()> {
    if conn.engine() == Engine::Postgres {
        return work(conn);
    }
    conn.batch_execute("PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON")?;
    let outcome = work(conn);
    conn.batch_execute("PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON")?;
    outcome
}

fn failed(name: &str, error: &diesel::result::Error) -> Error {
    Error::MigrationFailed { name: name.to_owned(), reason: error.to_string() }
}

fn run(conn: &mut AnyConnection, task: &Task) -> diesel::QueryResult<()> {
    conn.batch_execute(&task.sql)?;
    if let Some((crate_name, name)) = task.file {
        let note = "INSERT INTO xos_sync_migrations (crate_name, name, content) VALUES (?, ?, ?)";
        sql::query(conn.engine(), note)
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
        for (name, contents) in migrations.files {
            let sql = contents(conn.engine());
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
fn from_models(
    conn: &mut AnyConnection,
    models: &[&'static ModelInfo],
    versions: &Versions,
) -> Result<Vec<Task>> {
    let (engine, schema) = (conn.engine(), Schema::read(conn)?);
    let mut tasks = Vec::new();
    let mut rebuilt = BTreeSet::new();
    for model in models {
        let table = |table: &str, sql| Task { what: format!("table {table}"), sql, file: None };
        match schema.tables.get(model.table) {
            None => tasks.push(table(model.table, ddl::create_table(engine, model))),
            Some(columns) if !columns.contains_key("id") => return Err(no_key(model.table)),
            Some(columns) => {
                for column in model.columns.iter().filter(|c| !columns.contains_key(c.name)) {
                    tasks.push(add_column(engine, model, column)?);
                }
                if versions.newer_than(model).is_none() {
                    let changes = columns::changes(conn, model, &schema)?;
                    if changes.iter().any(|change| change.rebuilds) {
                        rebuilt.insert(model.table.to_owned());
                    }
                    tasks.extend(changes.into_iter().map(|it| Task {
                        what: it.what,
                        sql: it.sql,
                        file: None,
                    }));
                }
            }
        }
        let kept = sql::sync_table(model);
        match schema.tables.get(&kept) {
            None => {
                let (create, fill) =
                    (ddl::create_sync_table(engine, model), ddl::fill_sync_table(model));
                tasks.push(table(&kept, format!("{create}{fill}")));
            }
            Some(columns) => {
                let missing = ddl::sync_columns(engine, model)
                    .into_iter()
                    .filter(|(name, _)| !columns.contains_key(name));
                tasks.extend(missing.map(|(name, definition)| Task {
                    what: format!("column {kept}.{name}"),
                    sql: format!("ALTER TABLE {kept} ADD COLUMN {name} {definition};"),
                    file: None,
                }));
            }
        }
    }
    let wanted: Vec<_> =
        models.iter().flat_map(|model| ddl::extras(engine, model, models)).collect();
    let declared = declared::all(conn)?;
    for gone in declared::undeclared(&declared, &wanted, models, versions) {
        tasks.push(Task {
            what: format!("{}, which is declared no more", gone.what()),
            sql: gone.removal(engine),
            file: None,
        });
    }
    for extra in &wanted {
        let there = schema.extras.get(&extra.name);
        // A rebuilt table has lost what stood on it.
        let there = there.filter(|_| !rebuilt.contains(&extra.table));
        // An older program leaves a newer one's as they are.
        if there == Some(&extra.sql) || versions.newer_than(extra.model).is_some() {
            continue;
        }
        if let Some(check) = &extra.check
            && schema
                .tables
                .get(&extra.table)
                .is_some_and(|has| check.columns.iter().all(|column| has.contains_key(*column)))
        {
            columns::check_rows(conn, &extra.table, check)?;
        }
        tasks.push(Task {
            what: format!("{} {}", extra.what(), extra.name),
            sql: format!("{}{}", extra.statements(engine, there.is_some()), declared::note(extra)),
            file: None,
        });
    }
    // Where what makes rows is new, the rows that were before it count too.
    for model in models {
        let Some(sql) = expansion::make_all(model) else { continue };
        let made = format!("trigger {}_", model.table);
        if tasks.iter().any(|task| task.what.starts_with(&made) && task.what.ends_with("_make")) {
            tasks.push(Task { what: format!("rows of {}", model.table), sql, file: None });
        }
    }
    Ok(tasks)
}

/// A table that is there already and cannot become a model's.
fn no_key(table: &str) -> Error {
    Error::Unfit(format!(
        "the table {table} has no column id, so it is not a table of a model: rename one of them"
    ))
}

fn add_column(engine: Engine, model: &ModelInfo, column: &crate::model::Column) -> Result<Task> {
    if !column.nullable && column.default.is_none() {
        return Err(Error::Unfit(format!(
            "the table {} lacks the column {}, and nobody can know its value for the rows that are there: make \
             the field an Option, give it a #[default(…)], or write a numbered SQL file",
            model.table, column.name
        )));
    }
    Ok(Task {
        what: format!("column {}.{}", model.table, column.name),
        sql: format!(
            "ALTER TABLE {} ADD COLUMN {};{}",
            model.table,
            ddl::column_definition(engine, model, column),
            all_again(engine, model, column),
        ),
        file: None,
    })
}

/// The backend does not have a new goal column yet, so all rows are pending.
fn all_again(engine: Engine, model: &ModelInfo, column: &crate::model::Column) -> String {
    match column.kind {
        ColumnKind::Goal => format!("\n{};", sql::touch(engine, model, "TRUE")),
        ColumnKind::Backend => String::new(),
    }
}
