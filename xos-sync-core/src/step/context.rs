//! What a step's call is given beside its row.

use crate::{
    db::Db,
    error::{Error, Result},
    model::{Id, Model},
};

/// The database and the Synchronizer's name, for a step's calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    db: Db,
    synchronizer: &'static str,
}

impl Context {
    /// A context outside a running Synchronizer, for tests of a step.
    pub fn new(db: Db, synchronizer: &'static str) -> Self {
        Self { db, synchronizer }
    }

    /// The goal state's database, for diesel queries.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The Synchronizer's name: with [`Model::uid`] the mark that a step leaves on what it
    /// makes.
    pub fn synchronizer(&self) -> &'static str {
        self.synchronizer
    }

    /// Reads a row by its key, for instance what a row references.
    ///
    /// # Errors
    /// [`Error::NoSuchRow`], or what the database answered.
    pub async fn get<M: Model>(&self, id: Id<M>) -> Result<M> {
        self.all(format!("id = {}", id.raw()), 1)
            .await?
            .pop()
            .ok_or(Error::NoSuchRow { model: M::INFO.name, id: id.raw() })
    }

    /// Reads the row of an optional reference.
    ///
    /// # Errors
    /// As [`Context::get`].
    pub async fn get_optional<M: Model>(&self, id: Option<Id<M>>) -> Result<Option<M>> {
        match id {
            Some(id) => self.get(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Saves the backend columns of this row now, on disk before it returns. For what must not
    /// be lost if the machine dies before the call ends, such as the id of a thing just made.
    ///
    /// # Errors
    /// What the database answered.
    pub async fn save<M: Model>(&self, object: &M) -> Result<()> {
        let object = object.clone();
        self.db.write_quietly(move |conn| object.save_backend(conn)).await?;
        Ok(())
    }

    /// Reads at most `limit` rows for which the SQL condition holds, in the order of their keys.
    pub(crate) async fn all<M: Model>(&self, filter: String, limit: i64) -> Result<Vec<M>> {
        self.db.run(move |conn| M::load(conn, &filter, limit)).await
    }
}
