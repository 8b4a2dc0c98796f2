//! PURE: a model's description as table, indexes, constraints and triggers.

mod expansion;
mod postgres;
mod sqlite;

pub(super) use expansion::make_all;
pub(super) use postgres::TELL;

use std::fmt::Write as _;

use crate::{
    db::Engine,
    model::{Column, ColumnKind, ColumnType, ModelInfo, OnDelete, OnUpdate},
    sql,
};

/// Something that follows from the models and is laid down anew where it differs.
pub(super) struct Extra {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) table: &'static str,
    /// The statements that make it, without a last `;`.
    pub(super) sql: String,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Index,
    Trigger,
    /// A foreign key that is no part of its table's statement.
    Constraint,
}

impl Extra {
    /// The statements that make it, instead of what is there under its name.
    pub(super) fn statements(&self, engine: Engine, is_there: bool) -> String {
        let Self { kind, name, table, sql } = self;
        let drop = match (engine, kind) {
            _ if !is_there => String::new(),
            (_, Kind::Index) => format!("DROP INDEX {name};\n"),
            (Engine::Sqlite, _) => format!("DROP TRIGGER {name};\n"),
            (Engine::Postgres, Kind::Trigger) => format!("DROP TRIGGER {name} ON {table};\n"),
            (Engine::Postgres, Kind::Constraint) => {
                format!("ALTER TABLE {table} DROP CONSTRAINT {name};\n")
            }
        };
        let noted = match engine {
            Engine::Sqlite => String::new(),
            // So that it is known what it was made from.
            Engine::Postgres => postgres::note(self),
        };
        format!("{drop}{sql};{noted}")
    }

    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Index => "index",
            Kind::Trigger => "trigger",
            Kind::Constraint => "constraint",
        }
    }
}

/// All that follows from a model beside its table's columns.
pub(super) fn extras(
    engine: Engine,
    model: &ModelInfo,
    models: &[&'static ModelInfo],
) -> Vec<Extra> {
    let table = model.table;
    let extra = |kind| move |(name, sql)| Extra { kind, name, table, sql };
    let mut extras: Vec<_> = indexes(engine, model).into_iter().map(extra(Kind::Index)).collect();
    match engine {
        Engine::Sqlite => {
            extras.extend(sqlite::triggers(model, models).into_iter().map(extra(Kind::Trigger)));
        }
        Engine::Postgres => {
            extras.extend(postgres::constraints(model).into_iter().map(extra(Kind::Constraint)));
            extras.extend(postgres::triggers(model, models).into_iter().map(extra(Kind::Trigger)));
        }
    }
    extras
}

/// The statement that makes the model's table.
pub fn create_table(engine: Engine, model: &ModelInfo) -> String {
    let (id, options) = match engine {
        Engine::Sqlite => ("INTEGER PRIMARY KEY AUTOINCREMENT", ""),
        Engine::Postgres => ("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", postgres::OPTIONS),
    };
    let mut out = format!("CREATE TABLE {} (\n    id {id},\n", model.table);
    for column in model.columns {
        let _ = writeln!(out, "    {},", column_definition(engine, model, column));
    }
    let bookkeeping = bookkeeping(engine);
    out.push_str(&bookkeeping.map(|column| format!("    {column}")).join(",\n"));
    let _ = write!(out, "\n){options};\n");
    out
}

/// One column of the author's, as in `CREATE TABLE`.
pub(super) fn column_definition(engine: Engine, model: &ModelInfo, column: &Column) -> String {
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
    let reference = model.references.iter().find(|reference| reference.column == name);
    // Elsewhere a constraint of its own, so that models may reference each other in a circle.
    if let (Engine::Sqlite, Some(reference)) = (engine, reference) {
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
fn bookkeeping(engine: Engine) -> [String; 13] {
    let now = sql::now(engine);
    let uid = match engine {
        Engine::Sqlite => "lower(hex(randomblob(16)))",
        Engine::Postgres => "replace(gen_random_uuid()::text, '-', '')",
    };
    [
        format!("uid TEXT NOT NULL UNIQUE DEFAULT ({uid})"),
        format!("created BIGINT NOT NULL DEFAULT {now}"),
        format!("updated BIGINT NOT NULL DEFAULT {now}"),
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
    bookkeeping(Engine::Sqlite)
        .into_iter()
        .filter_map(|column| column.split(' ').next().map(str::to_owned))
}

/// Indexes by name: what is fresh, doomed or waiting, each reference, each uniqueness.
fn indexes(engine: Engine, model: &ModelInfo) -> Vec<(String, String)> {
    let table = model.table;
    // Where no event names rows, the newest are looked for: without reading them all.
    let columns = match engine {
        Engine::Sqlite => "(id, updated)",
        Engine::Postgres => "(id)",
    };
    let mut indexes = vec![
        (sql::fresh_index(model), format!("{columns} WHERE {}", sql::fresh(""))),
        (sql::doomed_index(model), format!("{columns} WHERE {}", sql::doomed(""))),
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
        let name = sql::name(format!("{table}_unique_{}", unique.columns.join("_")));
        // Rows on their way out do not stand in the way of their successors.
        let columns = unique.columns.join(", ");
        let statement =
            format!("CREATE UNIQUE INDEX {name} ON {table} ({columns}) WHERE NOT deleted");
        statements.push((name, statement));
    }
    statements
}

/// The updates by which the deletion of a row goes on to the rows whose reference says
/// `on_delete = cascade`; empty when there are none.
fn cascade(model: &ModelInfo, models: &[&'static ModelInfo]) -> String {
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
    body
}

/// The updates by which a change of a row's goal goes on to the rows whose reference says
/// `on_update = sync`; empty when there are none.
fn pass_on(engine: Engine, model: &ModelInfo, models: &[&'static ModelInfo]) -> String {
    let mut body = String::new();
    for child in models {
        for reference in child.references {
            if (reference.target)() == model && reference.on_update == OnUpdate::Sync {
                let touch = sql::touch(engine, child, &format!("{} = NEW.id", reference.column));
                let _ = writeln!(body, "    {touch};");
            }
        }
    }
    body
}

/// What a change of the goal changes: the author's goal columns, and the deletion.
fn goal_columns(model: &ModelInfo) -> Vec<&'static str> {
    model.column_names(ColumnKind::Goal).chain(["deleted"]).collect()
}

/// What nobody who writes a goal column may write along with it: as it was, it stays.
fn kept_columns(model: &ModelInfo) -> Vec<&'static str> {
    let kept = ["created", "enacted", "attempted", "backend_status", "backend_class"];
    kept.into_iter().chain(model.column_names(ColumnKind::Backend)).collect()
}
