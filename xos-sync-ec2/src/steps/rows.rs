//! Going through a table in pages, so that its size does not matter.

use std::marker::PhantomData;

use xos_sync_core::{Context, Model, Row, StepError, error::BackendClass, model::Bookkeeping};

/// The rows for which an SQL condition holds, in the order of their keys.
pub(super) struct Rows<M> {
    condition: String,
    after: i64,
    size: usize,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Rows<M> {
    /// Rows that are not deleted or held, `size` a page.
    pub(super) fn live(condition: &str, size: usize) -> Self {
        Self {
            condition: format!("NOT no_sync AND ({condition})"),
            after: 0,
            size,
            model: PhantomData,
        }
    }

    /// The next page; none after the last one.
    pub(super) async fn next(&mut self, cx: &Context) -> Result<Option<Vec<Row<M>>>, StepError> {
        let filter = format!("id > {} AND {}", self.after, self.condition);
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        let rows = cx.db().run(move |conn| Row::<M>::load(conn, &filter, size)).await?;
        match rows.last() {
            None => Ok(None),
            Some(last) => {
                self.after = last.id().raw();
                Ok(Some(rows))
            }
        }
    }
}

/// Whether a listing tells something new of a row: what it stands for has gone from the backend, or has
/// come back after an error that waits for a change.
pub(super) fn is_news(row: &Bookkeeping, present: bool) -> bool {
    if present { row.backend_class == Some(BackendClass::Terminal) } else { !row.is_pending() }
}
