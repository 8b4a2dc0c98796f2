//! An object: the author's row, and the bookkeeping beside it.

use std::ops::{Deref, DerefMut};

use diesel::{
    OptionalExtension, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};

use crate::{
    db::{AnyConnection, Engine},
    former,
    model::{Bookkeeping, Model, ModelInfo, ObjectRef},
    sql,
};

/// One object of the data model: dereferences to the author's struct, and knows the identity and
/// the bookkeeping that stand beside the row.
///
/// A deleted object is one too: its columns are those that the row had when it was deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<M> {
    bookkeeping: Bookkeeping,
    object: M,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl<M> Row<M> {
    /// A row with this bookkeeping, for tests of a step.
    pub fn new(bookkeeping: Bookkeeping, object: M) -> Self {
        Self { bookkeeping, object }
    }

    /// The bookkeeping.
    pub fn bookkeeping(&self) -> &Bookkeeping {
        &self.bookkeeping
    }

    /// The identity that is never used again, also not after the row is gone: a step gives it to
    /// the backend as idempotency token and as tag.
    pub fn uid(&self) -> &str {
        &self.bookkeeping.uid
    }

    /// The author's struct alone.
    pub fn into_object(self) -> M {
        self.object
    }
}

impl<M: Model> Row<M> {
    /// Reads the rows for which the SQL condition holds, in the order of their keys.
    ///
    /// The condition may name the columns of the table and of the bookkeeping beside it.
    ///
    /// # Errors
    /// The database's answer.
    pub fn load(conn: &mut AnyConnection, condition: &str, limit: i64) -> QueryResult<Vec<Self>> {
        let (select, table) = (sql::select_living(M::INFO), M::INFO.table);
        let query = format!(
            "{select} WHERE NOT s.deleted AND ({condition}) ORDER BY {table}.id LIMIT {limit}"
        );
        Self::query(conn, &query)
    }

    /// Reads the deleted rows for which the SQL condition holds and whose backend is not gone yet,
    /// with their last values, oldest first.
    ///
    /// The condition may name the columns of the table.
    ///
    /// # Errors
    /// The database's answer.
    pub fn load_deleted(
        conn: &mut AnyConnection,
        condition: &str,
        limit: i64,
    ) -> QueryResult<Vec<Self>> {
        let (select, table) = (sql::select_deleted(conn.engine(), M::INFO), M::INFO.table);
        let query = format!(
            "SELECT * FROM ({select} WHERE s.deleted) AS {table} WHERE {condition} \
             ORDER BY {table}.sync_id LIMIT {limit}"
        );
        Self::query(conn, &query)
    }

    /// Runs a query that begins with [`sql::select_living`] or [`sql::select_deleted`].
    pub(crate) fn query(conn: &mut AnyConnection, query: &str) -> QueryResult<Vec<Self>> {
        Ok(M::load_rows(conn, query)?.into_iter().map(Self::from).collect())
    }

    /// Inserts a row, and returns it as the database completed it.
    ///
    /// # Errors
    /// The database's answer, for instance a unique or foreign key violation.
    pub fn insert(conn: &mut AnyConnection, new: &M::New) -> QueryResult<Self> {
        M::insert_new(conn, new)?;
        let table = M::INFO.table;
        let last = match conn.engine() {
            Engine::Sqlite => "SELECT last_insert_rowid() AS id".to_owned(),
            Engine::Postgres => {
                format!("SELECT currval(pg_get_serial_sequence('{table}', 'id')) AS id")
            }
        };
        let Key { id } = sql_query(last).get_result(conn)?;
        Self::load(conn, &format!("{table}.id = {id}"), 1)?.pop().ok_or(diesel::NotFound)
    }

    /// The row with this key, or the last one that had it and is still being deleted.
    pub(crate) fn find(conn: &mut AnyConnection, id: i64) -> QueryResult<Option<Self>> {
        let living = format!("{}.id = {id}", M::INFO.table);
        Self::find_where(conn, &living, &format!("s.object_id = {id}"))
    }

    /// The row that a deleted one references by this key: the object that had the key then, where
    /// that is known.
    pub(crate) fn find_parent(
        conn: &mut AnyConnection,
        (child, child_id): (&ModelInfo, i64),
        id: i64,
    ) -> QueryResult<Option<Self>> {
        if let Some(query) = former::parent_of(child, child_id, M::INFO, id)
            && let Some(Key { id }) = sql_query(query).get_result(conn).optional()?
        {
            let this = format!("s.sync_id = {id}");
            return Self::find_where(conn, &this, &this);
        }
        Self::find(conn, id)
    }

    fn find_where(
        conn: &mut AnyConnection,
        living: &str,
        deleted: &str,
    ) -> QueryResult<Option<Self>> {
        if let Some(row) = Self::load(conn, living, 1)?.pop() {
            return Ok(Some(row));
        }
        let query = format!(
            "{} WHERE s.deleted AND {deleted} ORDER BY s.sync_id DESC LIMIT 1",
            sql::select_deleted(conn.engine(), M::INFO)
        );
        Ok(Self::query(conn, &query)?.pop())
    }

    /// Writes the backend columns of this object, and nothing else: to its row, or where it was
    /// deleted meanwhile, to the values that its deletion kept.
    ///
    /// # Errors
    /// The database's answer.
    pub fn save_backend(&self, conn: &mut AnyConnection) -> QueryResult<usize> {
        let (table, key) = (M::INFO.table, self.bookkeeping.sync_id);
        let living = format!(
            "id = (SELECT object_id FROM {table}_sync WHERE sync_id = {key} AND NOT deleted)"
        );
        let saved = self.object.update_backend(conn, &living)?;
        if saved > 0 {
            return Ok(saved);
        }
        let values: serde_json::Map<_, _> = self
            .object
            .backend_values()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_json()))
            .collect();
        let merged = match conn.engine() {
            Engine::Sqlite => "json_patch(last, ?)",
            Engine::Postgres => "last || ?::jsonb",
        };
        let text =
            format!("UPDATE {table}_sync SET last = {merged} WHERE sync_id = {key} AND deleted");
        sql::query(conn.engine(), &text)
            .bind::<Text, _>(serde_json::Value::Object(values).to_string())
            .execute(conn)
    }

    /// This object without its type.
    pub fn object_ref(&self) -> ObjectRef {
        self.object.object_ref()
    }
}

impl<M> From<(Bookkeeping, M)> for Row<M> {
    fn from((bookkeeping, object): (Bookkeeping, M)) -> Self {
        Self { bookkeeping, object }
    }
}

impl<M> Deref for Row<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.object
    }
}

impl<M> DerefMut for Row<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.object
    }
}
