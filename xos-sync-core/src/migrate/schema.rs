//! What the database has.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Bool, Nullable, Text},
};

use crate::db::{AnyConnection, Engine};

/// Tables with their columns, and what indexes, triggers and constraints were made from, by
/// name.
pub(super) struct Schema {
    pub(super) tables: BTreeMap<String, BTreeMap<String, ColumnSchema>>,
    /// SQLite: the statements that made the tables.
    pub(super) statements: BTreeMap<String, String>,
    pub(super) extras: BTreeMap<String, String>,
}

/// A column as the database has it.
pub(super) struct ColumnSchema {
    /// Its type in the engine's words, in capitals.
    pub(super) sql_type: String,
    pub(super) nullable: bool,
    /// As the engine writes it; empty where the column counts up by itself.
    pub(super) default: Option<String>,
}

#[derive(QueryableByName)]
struct Master {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    sql: Option<String>,
}

#[derive(QueryableByName)]
struct TableColumn {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql_type: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Nullable<Text>)]
    default_value: Option<String>,
}

#[derive(QueryableByName)]
pub(super) struct Applied {
    #[diesel(sql_type = Text)]
    pub(super) crate_name: String,
    #[diesel(sql_type = Text)]
    pub(super) name: String,
    #[diesel(sql_type = Text)]
    pub(super) content: String,
}

/// Questions about the schema: indexes, triggers and constraints, then columns.
fn questions(engine: Engine) -> (&'static str, &'static str) {
    match engine {
        Engine::Sqlite => (
            "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')",
            "SELECT m.name AS table_name, c.name AS name, upper(c.type) AS sql_type, c.\"notnull\" = 0 AS nullable, \
             CASE WHEN c.pk > 0 THEN '' ELSE c.dflt_value END AS default_value FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
             WHERE m.type = 'table'",
        ),
        // What something was made from stands beside it as a comment.
        Engine::Postgres => (
            "SELECT c.relname::text AS name, coalesce(obj_description(c.oid, 'pg_class'), '') AS sql \
             FROM pg_class AS c WHERE c.relkind = 'i' AND c.relnamespace = current_schema()::regnamespace \
             UNION ALL SELECT t.tgname::text, coalesce(obj_description(t.oid, 'pg_trigger'), '') \
             FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid \
             WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace \
             UNION ALL SELECT k.conname::text, coalesce(obj_description(k.oid, 'pg_constraint'), '') \
             FROM pg_constraint AS k WHERE k.contype IN ('f', 'c') AND k.connamespace = current_schema()::regnamespace",
            "SELECT table_name::text AS table_name, column_name::text AS name, upper(data_type::text) AS sql_type, \
             is_nullable = 'YES' AS nullable, CASE WHEN is_identity = 'YES' THEN '' ELSE column_default END AS default_value \
             FROM information_schema.columns \
             WHERE table_schema = current_schema()",
        ),
    }
}

impl Schema {
    pub(super) fn read(conn: &mut AnyConnection) -> QueryResult<Self> {
        let (extras, columns) = questions(conn.engine());
        let extras: Vec<Master> = sql_query(extras).load(conn)?;
        let columns: Vec<TableColumn> = sql_query(columns).load(conn)?;
        let mut tables: BTreeMap<String, BTreeMap<String, ColumnSchema>> = BTreeMap::new();
        for TableColumn { table_name, name, sql_type, nullable, default_value } in columns {
            let column = ColumnSchema { sql_type, nullable, default: default_value };
            tables.entry(table_name).or_default().insert(name, column);
        }
        let statements = match conn.engine() {
            Engine::Sqlite => {
                sql_query("SELECT name, sql FROM sqlite_master WHERE type = 'table'").load(conn)?
            }
            Engine::Postgres => Vec::<Master>::new(),
        };
        let statements =
            statements.into_iter().filter_map(|row| Some((row.name, row.sql?))).collect();
        let extras = extras.into_iter().filter_map(|row| Some((row.name, row.sql?))).collect();
        Ok(Self { tables, statements, extras })
    }
}

/// The files that were applied, by crate and name.
pub(super) fn applied(conn: &mut AnyConnection) -> QueryResult<Vec<Applied>> {
    sql_query("SELECT crate_name, name, content FROM xos_sync_migrations ORDER BY crate_name, name")
        .load(conn)
}
