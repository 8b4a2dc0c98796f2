//! Rows to compare with a listing, page by page, so that the size of a table does not matter.

use std::marker::PhantomData;

use xos_sync_core::{
    Context, Id, Model, Row, StepError, error::BackendClass, model::Bookkeeping, models::Controller,
};

/// How many rows are looked at together.
pub(super) const PAGE: i64 = 500;

/// The rows of one controller that are not deleted or held, in the order of their keys.
pub(super) struct Live<M> {
    controller: Id<Controller>,
    after: i64,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Live<M> {
    /// Of a model with a column `controller_id`.
    pub(super) fn of(controller: Id<Controller>) -> Self {
        Self { controller, after: 0, model: PhantomData }
    }

    /// The next page; none after the last one.
    pub(super) async fn next(&mut self, cx: &Context) -> Result<Option<Vec<Row<M>>>, StepError> {
        let filter = format!(
            "controller_id = {} AND id > {} AND NOT no_sync",
            self.controller.raw(),
            self.after
        );
        let rows = cx.db().run(move |conn| Row::<M>::load(conn, &filter, PAGE)).await?;
        match rows.last() {
            None => Ok(None),
            Some(last) => {
                self.after = last.id().raw();
                Ok(Some(rows))
            }
        }
    }
}

/// Whether a listing tells something new of a row: the cloud is no longer as the row left it, or has
/// become so after an error that waits for a change.
pub(super) fn is_news(row: &Bookkeeping, settled: bool) -> bool {
    if settled { row.backend_class == Some(BackendClass::Terminal) } else { !row.is_pending() }
}

/// Whether the goal of `thing` has changed since `row`, which stands for it on a controller, was last
/// brought in line.
pub(super) fn is_changed(row: &Bookkeeping, thing: &Bookkeeping) -> bool {
    row.enacted.is_none_or(|enacted| enacted < thing.updated)
}
