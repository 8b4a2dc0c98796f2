//! Where a table's columns differ from the model's: the changes that lose nothing, and a clear
//! error for the others.

use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};

use super::{
    ddl::{self, RowCheck},
    schema::{ColumnSchema, Schema},
};
use crate::{
    db::{AnyConnection, Engine},
    error::{Error, Result},
    model::{Column, ColumnType, ModelInfo},
};

/// Rows that an error names.
const MOST_NAMED: usize = 5;

/// A change of a table's columns.
pub(super) struct Change {
    pub(super) what: String,
    pub(super) sql: String,
    /// SQLite: the table is made anew, without its indexes and triggers.
    pub(super) rebuilds: bool,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The changes that bring the columns of a model's table in line with the model.
///
/// # Errors
/// A type that differs, or rows that the model does not allow.
pub(super) fn changes(
    conn: &mut AnyConnection,
    model: &ModelInfo,
    schema: &Schema,
) -> Result<Vec<Change>> {
    let Some(there) = schema.tables.get(model.table) else { return Ok(Vec::new()) };
    let engine = conn.engine();
    let mut changes = Vec::new();
    for column in model.columns {
        let Some(has) = there.get(column.name) else { continue };
        check_type(engine, model, column, has)?;
        if !column.nullable && has.nullable {
            let check = RowCheck {
                columns: vec![column.name],
                broken: format!("{} IS NULL", column.name),
                advice: format!(
                    "the model {} requires {}.{}: give these rows a value first",
                    model.name, model.table, column.name
                ),
            };
            check_rows(conn, model.table, &check)?;
            changes.push(set_nullable(model, column.name, "SET"));
        } else if column.nullable && !has.nullable {
            changes.push(set_nullable(model, column.name, "DROP"));
        }
        if let (Engine::Postgres, Some(default)) = (engine, column.default)
            && !has_default(conn, column, default, has.default.as_deref())?
        {
            changes.push(Change {
                what: format!("column {}.{}: its default", model.table, column.name),
                sql: format!(
                    "ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {default};",
                    model.table, column.name
                ),
                rebuilds: false,
            });
        }
    }
    for (name, has) in there {
        let is_left = name != "id" && !model.columns.iter().any(|column| column.name == name);
        if is_left && !has.nullable && has.default.is_none() {
            // Nobody fills it any more: an insert would be refused.
            changes.push(set_nullable(model, name, "DROP"));
        }
    }
    match engine {
        Engine::Postgres => Ok(changes),
        Engine::Sqlite => rebuild(conn, model, schema, there.keys(), !changes.is_empty()),
    }
}

fn set_nullable(model: &ModelInfo, column: &str, how: &str) -> Change {
    let table = model.table;
    Change {
        what: format!("column {table}.{column}: {how} NOT NULL"),
        sql: format!("ALTER TABLE {table} ALTER COLUMN {column} {how} NOT NULL;"),
        rebuilds: false,
    }
}

/// Whether a column's default has the value that the model says. The server writes it in words of
/// its own.
fn has_default(
    conn: &mut AnyConnection,
    column: &Column,
    wanted: &str,
    there: Option<&str>,
) -> QueryResult<bool> {
    // A function's value is not a model's, and may have effects.
    let Some(there) = there.filter(|there| !there.contains('(')) else { return Ok(false) };
    let kind = ddl::type_name(column.sql_type);
    let query = format!(
        "SELECT CAST(({there})::{kind} IS NOT DISTINCT FROM ({wanted})::{kind} AS INTEGER)::bigint AS id"
    );
    Ok(sql_query(query).get_result::<Key>(conn)?.id == 1)
}

fn check_type(
    engine: Engine,
    model: &ModelInfo,
    column: &Column,
    has: &ColumnSchema,
) -> Result<()> {
    let wanted = ddl::type_name(column.sql_type);
    let has = has.sql_type.as_str();
    let same = has == wanted
        || match (engine, column.sql_type) {
            (Engine::Postgres, ColumnType::Text) => has.starts_with("CHARACTER"),
            // Any type whose values the checks and the decoder know for what they are.
            (Engine::Sqlite, ColumnType::Text) => has.contains("CHAR") || has.contains("TEXT"),
            (Engine::Sqlite, ColumnType::Integer | ColumnType::BigInt) => has.contains("INT"),
            (Engine::Sqlite, ColumnType::Bool) => has.contains("BOOL"),
            (Engine::Sqlite, ColumnType::Double) => {
                ["REAL", "DOUB", "FLOA"].iter().any(|word| has.contains(word))
            }
            _ => false,
        };
    if same {
        return Ok(());
    }
    Err(Error::Unfit(format!(
        "the column {table}.{column} is {has}, and the model {model} says {wanted}: convert it in a numbered SQL \
         file, or give the field its former type",
        table = model.table,
        column = column.name,
        model = model.name,
    )))
}

/// Refuses to go on where rows are in the way, and names them.
pub(super) fn check_rows(conn: &mut AnyConnection, table: &str, check: &RowCheck) -> Result<()> {
    let RowCheck { broken, advice, .. } = check;
    let rows: Vec<Key> = sql_query(format!(
        "SELECT id FROM {table} WHERE {broken} ORDER BY id LIMIT {}",
        MOST_NAMED + 1
    ))
    .load(conn)?;
    if rows.is_empty() {
        return Ok(());
    }
    let more = if rows.len() > MOST_NAMED { " and others" } else { "" };
    let ids: Vec<_> = rows.iter().take(MOST_NAMED).map(|row| format!("#{}", row.id)).collect();
    Err(Error::Unfit(format!("rows {}{more} of {table} are in the way: {advice}", ids.join(", "))))
}

/// SQLite changes a column only by making the table anew.
fn rebuild<'a>(
    conn: &mut AnyConnection,
    model: &ModelInfo,
    schema: &Schema,
    there: impl Iterator<Item = &'a String>,
    is_needed: bool,
) -> Result<Vec<Change>> {
    let table = model.table;
    let statement = schema.statements.get(table).map_or("", String::as_str);
    // A table that somebody else made has other words; it stays as it is where it serves.
    let is_ours = statement.contains("    id INTEGER PRIMARY KEY AUTOINCREMENT");
    let known: Vec<&String> = there.collect();
    let differs = |column: &&Column| {
        known.iter().any(|name| *name == column.name)
            && !is_defined(statement, &ddl::column_definition(Engine::Sqlite, model, column))
    };
    let changed: Vec<_> = model.columns.iter().filter(differs).collect();
    if !is_needed && (changed.is_empty() || !is_ours) {
        return Ok(Vec::new());
    }
    for column in &changed {
        let broken = format!("NOT ({})", ddl::column_check(column));
        let advice =
            format!("the model {} does not allow the value of {}", model.name, column.name);
        check_rows(conn, table, &RowCheck { columns: vec![column.name], broken, advice })?;
    }
    let is_left = |name: &&&String| {
        **name != "id" && !model.columns.iter().any(|column| column.name == ***name)
    };
    let left: Vec<_> = known.iter().filter(is_left).collect();
    let mut create = ddl::create_table(Engine::Sqlite, model);
    for name in &left {
        let kind = schema.tables.get(table).and_then(|columns| columns.get(**name));
        let kind = kind.map_or("", |column| column.sql_type.as_str());
        create = create.replacen("\n);", &format!(",\n    {name} {kind}\n);"), 1);
    }
    let create = create.replacen(table, &format!("{table}_rebuilt"), 1);
    // Columns that are new in the model are added before.
    let own = model.columns.iter().map(|column| column.name.to_owned());
    let columns: Vec<_> = ["id".to_owned()]
        .into_iter()
        .chain(own)
        .chain(left.iter().map(|name| (**name).clone()))
        .collect();
    let columns = columns.join(", ");
    Ok(vec![Change {
        what: format!("table {table}, made anew"),
        sql: format!(
            "{create}INSERT INTO {table}_rebuilt ({columns}) SELECT {columns} FROM {table};\n\
             UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0)) \
             WHERE name = '{table}_rebuilt';\n\
             DROP TABLE {table};\nALTER TABLE {table}_rebuilt RENAME TO {table};"
        ),
        rebuilds: true,
    }])
}

/// Whether a table's statement has this column, word for word and nothing behind it.
fn is_defined(statement: &str, definition: &str) -> bool {
    statement
        .match_indices(definition)
        .any(|(at, _)| !statement[at + definition.len()..].starts_with(' '))
}
