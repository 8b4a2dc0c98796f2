//! What a step's call is given beside its row.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

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
    call: Option<CallInfo>,
}

/// What is known of a call when it begins.
#[derive(Clone, Copy)]
struct CallInfo {
    attempts: i32,
    is_first: bool,
    begun: Instant,
    timeout: Duration,
}

/// Whether this process may still write of the rows in its hand: asked in the transaction that
/// writes.
pub(crate) type Fence = Arc<dyn Fn(&mut AnyConnection) -> QueryResult<bool> + Send + Sync>;

impl Context {
    /// A context outside a running Synchronizer, for tests of a step.
    pub fn new(db: Db, synchronizer: &'static str) -> Self {
        Self { db, synchronizer, fence: None, deleted: None, call: None }
    }

    /// The same for a process that shares the work with others.
    pub(crate) fn fenced(self, fence: Option<Fence>) -> Self {
        Self { fence, ..self }
    }

    /// The same for one call.
    pub(crate) fn of_call(self, attempts: i32, is_first: bool, timeout: Duration) -> Self {
        let begun = Instant::now();
        Self { call: Some(CallInfo { attempts, is_first, begun, timeout }), ..self }
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

    /// Calls for this row that failed since the last success; 0 outside a call.
    pub fn attempts(&self) -> i32 {
        self.call.map_or(0, |call| call.attempts)
    }

    /// Whether no call for this row can have begun before, so that the backend holds nothing of it;
    /// `false` outside a call. A call that a crash ended counts as begun.
    pub fn is_first_call(&self) -> bool {
        self.call.is_some_and(|call| call.is_first)
    }

    /// The time until the call is given up (`timeout` of `#[sync_step]`); `None` outside a call.
    pub fn time_left(&self) -> Option<Duration> {
        self.call.map(|call| call.timeout.saturating_sub(call.begun.elapsed()))
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

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::time::Duration;

    use super::Context;
    use crate::db::{Db, OpenMode};

    #[tokio::test]
    async fn a_call_knows_its_time_however_long_it_may_take() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("goal.db").display().to_string();
        let cx = Context::new(Db::open(&path, OpenMode::Create).await.unwrap(), "test");
        assert_eq!((cx.time_left(), cx.is_first_call(), cx.attempts()), (None, false, 0));
        let cx = cx.of_call(2, true, Duration::MAX);
        assert!(cx.time_left().unwrap() > Duration::MAX / 2);
        assert_eq!((cx.is_first_call(), cx.attempts()), (true, 2));
    }
}
