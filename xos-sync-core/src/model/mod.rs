//! What a model is: a table of the goal state, its Rust struct and their description.

mod bookkeeping;
mod choice;
mod id;
mod info;
mod micros;
mod object_ref;
mod secret;
mod value;

use diesel::QueryResult;

use crate::db::AnyConnection;

pub use bookkeeping::{Bookkeeping, BookkeepingSql};
pub use id::Id;
pub use info::{
    Column, ColumnKind, ColumnType, Expansion, ModelInfo, OnDelete, OnUpdate, Reference, Source,
    Unique,
};
pub use micros::Micros;
pub use object_ref::ObjectRef;
pub use secret::Secret;
pub use value::Value;

/// Lets diesel join a table of yours with others, also with those of other crates, for which
/// diesel's own macro does not serve where PostgreSQL is built in.
///
/// Yours comes first: `xos_sync_core::joins!(volumes, sites, slices)`.
#[macro_export]
macro_rules! joins {
    ($own:ident, $($other:ident),+ $(,)?) => {$(
        impl $crate::__private::diesel::query_source::TableNotEqual<$own::table> for $other::table {}
        impl $crate::__private::diesel::query_source::TableNotEqual<$other::table> for $own::table {}
    )+};
}

/// A table of the goal state as a Rust struct. Implemented by
/// [`#[model]`](macro@crate::model), never by hand.
///
/// The struct has the author's fields; the module named after the table holds diesel's `table!`,
/// so every diesel query works on it. The framework's bookkeeping stands beside the table: a
/// [`Row`](crate::Row) has both.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "not a model",
    note = "declare it with `#[model(table = …)]` on its struct"
)]
pub trait Model: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// The values of a row that is not in the database yet: goal and backend columns only.
    type New: Clone + Send + 'static;

    /// The description of the table.
    const INFO: &'static ModelInfo;

    /// The key of the row.
    fn id(&self) -> Id<Self>;

    /// Runs a query whose columns are [`Bookkeeping`]'s and the model's, in order.
    ///
    /// # Errors
    /// The database's answer, or the first row that cannot be decoded.
    #[doc(hidden)]
    fn load_rows(conn: &mut AnyConnection, query: &str) -> QueryResult<Vec<(Bookkeeping, Self)>>;

    /// Inserts a row.
    ///
    /// # Errors
    /// The database's answer, for instance a unique or foreign key violation.
    #[doc(hidden)]
    fn insert_new(conn: &mut AnyConnection, new: &Self::New) -> QueryResult<usize>;

    /// Writes the backend columns to the row for which the SQL condition `which` holds.
    ///
    /// # Errors
    /// The database's answer.
    #[doc(hidden)]
    fn update_backend(&self, conn: &mut AnyConnection, which: &str) -> QueryResult<usize>;

    /// The backend columns with their values, in order.
    fn backend_values(&self) -> Vec<(&'static str, Value)>;

    /// The first goal column in which the two differ: a step must not change any.
    fn goal_difference(&self, before: &Self) -> Option<&'static str>;

    /// Whether the two differ in a backend column.
    fn backend_differs(&self, before: &Self) -> bool;

    /// The keys that the references hold, in the order of [`ModelInfo::references`].
    fn reference_ids(&self) -> Vec<Option<i64>>;

    /// What people call this row: the column marked `#[label]`, else one named `name`, else
    /// its key.
    fn label(&self) -> String;

    /// This row without its type.
    fn object_ref(&self) -> ObjectRef {
        ObjectRef { model: Self::INFO, id: self.id().raw(), label: self.label() }
    }
}
