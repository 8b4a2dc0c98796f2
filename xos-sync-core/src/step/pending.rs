//! What a step's own `fetch_pending` has found.

use std::marker::PhantomData;

use diesel::{RunQueryDsl, sql_query};

use super::Context;
use crate::{
    error::Result,
    model::{Id, Model},
    row::Row,
    sql,
};

/// Takes down what a listing of the backend brought up. Each note is on disk when its call
/// returns, so a long listing needs no memory and loses nothing.
pub struct Pending<M> {
    context: Context,
    noted: usize,
    /// The [`sql::step_name`] of the step that lists.
    step: Option<String>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Pending<M> {
    /// Notes nothing so far.
    pub fn new(context: Context) -> Self {
        Self { context, noted: 0, step: None, model: PhantomData }
    }

    /// The same for a step's listing: the step deletes what it added, also when the rows that say
    /// what is in its scope are deleted along with it.
    pub(crate) fn listed_by(self, step: &str) -> Self {
        Self { step: Some(sql::step_name(self.context.synchronizer(), step)), ..self }
    }

    /// Adds rows that the backend has and the data model lacks; they are pending, as any new
    /// row. The rows come in one transaction: all or none.
    ///
    /// # Errors
    /// What the database answered, for instance when such a row is there already.
    pub async fn add(&mut self, rows: Vec<M::New>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.noted += rows.len();
        let step = self.step.clone();
        self.context
            .db()
            .write_quietly(move |conn| {
                let mut added = Vec::with_capacity(rows.len());
                for row in &rows {
                    added.push(Row::<M>::insert(conn, row)?.bookkeeping().sync_id);
                }
                if let Some(step) = &step {
                    sql_query(format!(
                        "UPDATE {}_sync SET step = '{step}' WHERE sync_id IN ({})",
                        M::INFO.table,
                        sql::list(added)
                    ))
                    .execute(conn)?;
                }
                Ok(())
            })
            .await
    }

    /// Makes rows pending again whose backend is no longer as it was left.
    ///
    /// # Errors
    /// What the database answered.
    pub async fn sync_again(&mut self, rows: impl IntoIterator<Item = Id<M>>) -> Result<()> {
        let ids: Vec<i64> = rows.into_iter().map(Id::raw).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.noted += ids.len();
        let db = self.context.db();
        let which = format!("object_id IN ({})", sql::list(ids));
        let statement = sql::touch(db.engine(), M::INFO, &which);
        db.write_quietly(move |conn| sql_query(&statement).execute(conn)).await?;
        Ok(())
    }

    /// How many rows were noted.
    pub fn noted(&self) -> usize {
        self.noted
    }
}
