//! What a step's call is given beside its row.

use std::{fmt, sync::Arc};

use diesel::QueryResult;

use crate::{
    db::{AnyConnection, Db},
    error::{Error, Result},
    model::{Id, Model, ModelInfo},
    row::Row,
};

/// The database and the Synchronizer's name, for a step's calls. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    db: Db,
    synchronizer: &'static str,
    fence: Option<Fence>,
    /// The deleted row that the call is for, by its model and its bookkeeping's key.
    deleted: Option<(&'static ModelInfo, i64)>,
}

/// Whether this process may still write of the rows in its hand: asked in the transaction that
/// writes.
pub(crate) type Fence = Arc<dyn Fn(&mut AnyConnection) -> QueryResult<bool> + Send + Sync>;

impl Context {
    /// A context outside a running Synchronizer, for tests of a step.
    pub fn new(db: Db, synchronizer: &'static str) -> Self {
        Self { db, synchronizer, fence: None, deleted: None }
    }

    /// The same for a process that shares the work with others.
    pub(crate) fn fenced(self, fence: Option<Fence>) -> Self {
        Self { fence, ..self }
    }

    /// The same for the call that deletes a row.
    pub(super) fn of_deletion(self, model: &'static ModelInfo, sync_id: i64) -> Self {
        Self { deleted: Some((model, sync_id)), ..self }
    }

    /// The goal state's database, for diesel queries.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The Synchronizer's name: with [`Row::uid`] the mark that a step leaves on what it
    /// makes.
    pub fn synchronizer(&self) -> &'static str {
        self.synchronizer
    }

    /// Reads a row by its key, for instance a row that another references. Of a row that is
    /// deleted and whose backend is not gone yet, the last values are read. In the call that deletes
    /// a row it finds the object that the row referenced, also when another one has its key by now.
    ///
    /// # Errors
    /// [`Error::NoSuchRow`], or the database's answer.
    pub async fn get<M: Model>(&self, id: Id<M>) -> Result<Row<M>> {
        let child = self.deleted;
        self.db
            .run(move |conn| match child {
                Some(child) => Row::find_parent(conn, child, id.raw()),
                None => Row::find(conn, id.raw()),
            })
            .await?
            .ok_or(Error::NoSuchRow { model: M::INFO.name, id: id.raw() })
    }

    /// Reads the row of an optional reference.
    ///
    /// # Errors
    /// As [`Context::get`].
    pub async fn get_optional<M: Model>(&self, id: Option<Id<M>>) -> Result<Option<Row<M>>> {
        match id {
            Some(id) => self.get(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Saves the backend columns of this row now, on disk before it returns. For what must not
    /// be lost if the machine dies before the call ends, such as the id of a thing just made.
    ///
    /// # Errors
    /// What the database answered; [`Error::StruckOut`] when another process has the row by now,
    /// because this one was silent for longer than its lease. Nothing is saved then.
    pub async fn save<M: Model>(&self, object: &Row<M>) -> Result<()> {
        let (object, fence) = (object.clone(), self.fence.clone());
        let save = move |conn: &mut AnyConnection| {
            let may_write = match &fence {
                Some(fence) => fence(conn)?,
                None => true,
            };
            if may_write {
                object.save_backend(conn)?;
            }
            Ok(may_write)
        };
        if self.db.write_patiently(save).await? { Ok(()) } else { Err(Error::StruckOut) }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { db, synchronizer, .. } = self;
        f.debug_struct("Context").field("db", db).field("synchronizer", synchronizer).finish()
    }
}
