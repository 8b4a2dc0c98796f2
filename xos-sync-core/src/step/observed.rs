//! A step for one of the models that it observes, without their types: what the engine drives.

use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;
use diesel::QueryResult;

use super::{
    Context, Pending, StepDef, StepResult, StepSpec, SyncStep,
    outcome::{Outcome, Wait},
    undecoded,
};
use crate::{
    db::AnyConnection,
    error::StepError,
    model::{Model, ModelInfo, ObjectRef},
    row::Row,
    sql,
};

/// Which of the step's two methods a row goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `sync_record`.
    Sync,
    /// `delete_record`.
    Delete,
}

/// A step for one observed model.
#[async_trait]
pub trait Observed: Send + Sync {
    /// What the attribute says.
    fn spec(&self) -> &'static StepSpec;

    /// The observed model.
    fn model(&self) -> &'static ModelInfo;

    /// Reads the rows for such a call for which the SQL condition on the bookkeeping `s` holds, in
    /// the order of their bookkeeping.
    ///
    /// # Errors
    /// The database's answer. A row that cannot be decoded is no error: its call fails.
    fn load(
        &self,
        conn: &mut AnyConnection,
        call: Call,
        which: &str,
    ) -> QueryResult<Vec<Box<dyn AnyRow>>>;

    /// Runs the step's own `fetch_pending`; the number of rows that it noted, and what it waits for.
    ///
    /// # Errors
    /// What the step answered.
    async fn fetch_pending(&self, cx: &Context) -> Result<(usize, Option<Wait>), StepError>;
}

/// A row that was read, ready to be handed to its step.
pub trait AnyRow: Send {
    /// The row's name.
    fn object_ref(&self) -> ObjectRef;

    /// The key of the row's bookkeeping.
    fn id(&self) -> i64;

    /// The keys that the row's references hold.
    fn references(&self) -> Vec<Option<i64>>;

    /// The version of the goal that was read.
    fn updated(&self) -> i64;

    /// The version that was enacted when it was read.
    fn enacted(&self) -> Option<i64>;

    /// Failures in a row so far.
    fn attempts(&self) -> i32;

    /// Whether no call for it can have begun before.
    fn is_new(&self) -> bool;

    /// Whether the bookkeeping holds an error, or something that was waited for.
    fn has_error(&self) -> bool;

    /// Hands the row to its step.
    fn call(self: Box<Self>, cx: Context, call: Call) -> CallFuture;
}

/// What [`AnyRow::call`] returns.
pub type CallFuture = Pin<Box<dyn Future<Output = Called> + Send>>;

/// What a call came to.
pub struct Called {
    /// The step's answer.
    pub result: StepResult,
    /// Writes the backend columns, when the call changed any.
    pub save: Option<SaveBackend>,
}

/// Writes the backend columns that a call changed.
pub type SaveBackend = Box<dyn Fn(&mut AnyConnection) -> QueryResult<usize> + Send + Sync>;

/// Takes the types away.
pub fn observe<S, M>(step: &Arc<S>) -> Arc<dyn Observed>
where
    S: SyncStep<M>,
    M: Model,
{
    Arc::new(Typed::<S, M> { step: Arc::clone(step), model: std::marker::PhantomData })
}

struct Typed<S, M> {
    step: Arc<S>,
    model: std::marker::PhantomData<fn() -> M>,
}

#[async_trait]
impl<S: SyncStep<M>, M: Model> Observed for Typed<S, M> {
    fn spec(&self) -> &'static StepSpec {
        <S as StepDef>::SPEC
    }

    fn model(&self) -> &'static ModelInfo {
        M::INFO
    }

    fn load(
        &self,
        conn: &mut AnyConnection,
        call: Call,
        which: &str,
    ) -> QueryResult<Vec<Box<dyn AnyRow>>> {
        let (condition, select) = match call {
            Call::Sync => ("NOT s.deleted", sql::select_living(M::INFO)),
            Call::Delete => ("s.deleted", sql::select_deleted(conn.engine(), M::INFO)),
        };
        let query =
            |which: &str| format!("{select} WHERE {condition} AND {which} ORDER BY s.sync_id");
        let boxed =
            |row| -> Box<dyn AnyRow> { Box::new(TypedRow { step: Arc::clone(&self.step), row }) };
        match Row::<M>::query(conn, &query(which)) {
            Err(diesel::result::Error::DeserializationError(_)) => {}
            rows => return Ok(rows?.into_iter().map(boxed).collect()),
        }
        // One of them cannot be decoded: it fails alone.
        let mut rows = Vec::new();
        for undecoded in undecoded::load(conn, M::INFO, which, condition)? {
            let alone = query(&format!("s.sync_id = {}", undecoded.sync_id));
            match Row::<M>::query(conn, &alone) {
                Ok(row) => rows.extend(row.into_iter().map(boxed)),
                Err(diesel::result::Error::DeserializationError(error)) => {
                    rows.push(
                        Box::new(undecoded.because(M::INFO, error.to_string())) as Box<dyn AnyRow>
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }

    async fn fetch_pending(&self, cx: &Context) -> Result<(usize, Option<Wait>), StepError> {
        let mut pending = Pending::<M>::new(cx.clone()).listed_by(self.spec().name);
        let wait = match self.step.fetch_pending(cx, &mut pending).await? {
            Outcome::Done | Outcome::DoneUntil(_) => None,
            Outcome::Wait(wait) => Some(wait),
        };
        Ok((pending.noted(), wait))
    }
}

struct TypedRow<S, M> {
    step: Arc<S>,
    row: Row<M>,
}

impl<S: SyncStep<M>, M: Model> AnyRow for TypedRow<S, M> {
    fn object_ref(&self) -> ObjectRef {
        self.row.object_ref()
    }

    fn id(&self) -> i64 {
        self.row.bookkeeping().sync_id
    }

    fn references(&self) -> Vec<Option<i64>> {
        self.row.reference_ids()
    }

    fn updated(&self) -> i64 {
        self.row.bookkeeping().updated.0
    }

    fn enacted(&self) -> Option<i64> {
        self.row.bookkeeping().enacted.map(|enacted| enacted.0)
    }

    fn attempts(&self) -> i32 {
        self.row.bookkeeping().attempts
    }

    fn is_new(&self) -> bool {
        let kept = self.row.bookkeeping();
        kept.enacted.is_none() && !kept.attempted
    }

    fn has_error(&self) -> bool {
        let kept = self.row.bookkeeping();
        kept.attempts != 0 || kept.backend_class.is_some() || kept.retry_at.is_some()
    }

    fn call(self: Box<Self>, cx: Context, call: Call) -> CallFuture {
        let Self { step, row } = *self;
        Box::pin(async move {
            match call {
                Call::Sync => sync(&*step, &cx, row).await,
                Call::Delete => {
                    let cx = cx.of_deletion(M::INFO, row.bookkeeping().sync_id);
                    Called { result: step.delete_record(&cx, &row).await, save: None }
                }
            }
        })
    }
}

async fn sync<S: SyncStep<M>, M: Model>(step: &S, cx: &Context, before: Row<M>) -> Called {
    let mut row = before.clone();
    let result = step.sync_record(cx, &mut row).await;
    let result = match row.goal_difference(&before) {
        Some(column) if result.is_ok() => Err(StepError::terminal(format!(
            "the step {} changed the goal column `{column}` of {}: goal columns are the users'; mark the \
             column `#[backend]` if the step is to write it",
            S::SPEC.name,
            M::INFO.name,
        ))),
        _ => result,
    };
    // Also after a failure: what was learnt about the backend must not be lost.
    let save = row
        .backend_differs(&before)
        .then(|| Box::new(move |conn: &mut AnyConnection| row.save_backend(conn)) as SaveBackend);
    Called { result, save }
}
