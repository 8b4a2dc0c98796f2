//! What the database has.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Nullable, Text},
};

use crate::db::AnyConnection;

/// Tables with their columns, and the SQL of indexes and triggers by name.
pub(super) struct Schema {
    pub(super) tables: BTreeMap<String, BTreeSet<String>>,
    pub(super) extras: BTreeMap<String, String>,
}

#[derive(QueryableByName)]
struct Master {
    #[diesel(sql_type = Text)]
    kind: String,
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

impl Schema {
    pub(super) fn read(conn: &mut AnyConnection) -> QueryResult<Self> {
        let master: Vec<Master> =
            sql_query("SELECT type AS kind, name, sql FROM sqlite_master").load(conn)?;
        let columns: Vec<TableColumn> = sql_query(
            "SELECT m.name AS table_name, c.name AS name FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
             WHERE m.type = 'table'",
        )
        .load(conn)?;
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for column in columns {
            tables.entry(column.table_name).or_default().insert(column.name);
        }
        let extras = master
            .into_iter()
            .filter(|row| row.kind == "index" || row.kind == "trigger")
            .filter_map(|row| Some((row.name, row.sql?)))
            .collect();
        Ok(Self { tables, extras })
    }
}

/// The files that were applied, in the order in which they were.
pub(super) fn applied(conn: &mut AnyConnection) -> QueryResult<Vec<Applied>> {
    sql_query("SELECT crate_name, name, content FROM xos_sync_migrations ORDER BY rowid").load(conn)
}
