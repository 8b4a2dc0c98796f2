//! The attribute macros of [xos-sync](https://docs.rs/xos-sync-core), which re-exports them:
//! [`macro@model`] makes a struct a table of the goal state, and [`macro@sync_step`] makes one a
//! step that keeps a backend in line with it.
//!
//! A crate that uses them depends on `xos-sync-core` and on `diesel`.

mod doc;
mod errors;
mod model;
mod step;

use proc_macro::TokenStream;

/// Makes a struct a model: a table of the goal state.
///
/// The struct keeps the author's fields and gets no others. The framework's bookkeeping stands in
/// a table of its own, `<table>_sync`. [`Row`] has both.
///
/// ```
/// use xos_sync_core::{Id, model, models::Site};
///
/// xos_sync_core::choices! {
///     /// Who sees a volume.
///     pub enum Audience {
///         /// Its owner.
///         Owner = "owner",
///         /// All.
///         All = "all",
///     }
/// }
///
/// /// A piece of storage. This sentence is not part of the short description.
/// #[model(table = volumes, unique(site_id, name))]
/// pub struct Volume {
///     /// Its key.
///     pub id: Id<Self>,
///     /// What people call it.
///     pub name: String,
///     /// Whose it is; deleted along with the site.
///     #[references(Site, on_delete = cascade)]
///     pub site_id: Id<Site>,
///     /// The volume that it is a copy of, which stays as long as the copy is there.
///     #[references(Volume)]
///     pub origin_id: Option<Id<Volume>>,
///     /// How large it is.
///     #[default(100)]
///     pub gigabytes: i32,
///     /// Who sees it.
///     #[choice]
///     #[default(Audience::Owner)]
///     pub audience: Audience,
///     /// The backend's id of it, written by the step.
///     #[backend]
///     pub backend_id: Option<String>,
/// }
///
/// let new = NewVolume { gigabytes: 500, ..NewVolume::new("scratch", Id::<Site>::new(1)) };
/// assert_eq!(new.audience, Audience::Owner);
/// ```
///
/// # Options
/// - `table = volumes`: the table's name.
/// - `unique(a, b)`: no two rows of the table have the same values in these columns. May be given
///   several times. A deleted row is not in the table any more, so its values are free at once.
/// - `expand(s in Slice, d in SiteDeployment, on = "…", slice_id = s.id, controller_id =
///   d.controller_id)`: proxy rows, which the database makes itself. It makes one row with these
///   values for each combination of rows `s` and `d` for which the SQL condition holds. It
///   deletes the row when the combination is gone. Use it for an object that is to exist on
///   several backends, with one proxy row each. A row that references such an object waits for
///   the proxy row of its own backend. It waits for all proxy rows if it is not assigned to a
///   backend. Add `unique(…)` of the columns that are filled in. The other columns are optional,
///   have a default, or are backend columns. Rows that people write stay, until a row changes that
///   they could have followed from.
///
/// # The key
/// The author writes the field `id`, of type `Id<Self>` or `Id<Model>`. The database gives a new
/// row its key if the writer gives none. The key takes no marks.
///
/// # Columns
/// A field is a column of the same name. Names of the bookkeeping are free for authors, such as
/// `created`, `deleted` or `uid`. Keywords of SQL are refused. Its type is `String`, [`Secret`], `i32`, `i64`, `f64`,
/// `bool`, [`Micros`], [`Id<Model>`][Id], or an `Option` of one of them. Everything is part of
/// the goal, which users write, unless it is marked:
/// - `#[backend]`: found out or made by a step, hence an `Option`; a change of it never makes the
///   row pending.
/// - `#[references(Model)]`, on an `Id<Model>`: a foreign key. The step gets the row when the one that
///   it references is enacted. It deletes the row from the backend before that one.
///   - `on_delete = restrict`, the default: the database refuses to delete a row that is
///     referenced. (SQLite does so with `PRAGMA foreign_keys = ON`. Without it, the deleted row
///     stays at its backend as long as rows reference its key.)
///   - `on_delete = cascade`: the database deletes the rows that reference the deleted one.
///   - `on_update = sync`: the row is pending again when the goal of the referenced row changes.
/// - `#[unique]`: no two rows of the table have the same value.
/// - `#[default(…)]`: a literal, or a value of a choice: what the column holds when nothing is
///   said, for SQL and for `New…::new`.
/// - `#[choice]`: an enum made with [`choices!`].
/// - `#[label]`: what people call the row in logs and in the status. A column called `name` is
///   it without a mark.
///
/// # What it makes
/// - The struct itself, with [`Debug`], [`Clone`], [`PartialEq`] and diesel's `Queryable` and
///   `Selectable`. Other derives and attributes stay.
/// - A module named after the table, by diesel's `table!`, with the author's columns. Every query
///   of diesel works, best with `.select(Volume::as_select())`.
/// - `NewVolume`, with all fields but the key. `NewVolume::new` takes those without `Option` and
///   default, in order. `insert` adds the row and returns it as a [`Row<Volume>`][Row].
/// - The implementation of [`Model`], and its registration in every program that names the crate.
///
/// # Joins
/// Name your table and the others once, also those of other crates, and write the condition out.
/// The core models are named already.
///
/// ```
/// use diesel::prelude::*;
/// use xos_sync_core::{Id, model, models::{Site, sites}};
///
/// /// A piece of storage.
/// #[model(table = volumes)]
/// pub struct Volume {
///     /// Its key.
///     pub id: Id<Volume>,
///     /// What people call it.
///     pub name: String,
///     /// Whose it is.
///     #[references(Site)]
///     pub site_id: Id<Site>,
/// }
///
/// xos_sync_core::joins!(volumes, sites);
///
/// fn of_site(
///     conn: &mut xos_sync_core::db::AnyConnection,
///     login_base: &str,
/// ) -> QueryResult<Vec<Volume>> {
///     volumes::table
///         .inner_join(sites::table.on(sites::id.eq(volumes::site_id)))
///         .filter(sites::login_base.eq(login_base))
///         .select(Volume::as_select())
///         .load(conn)
/// }
/// # fn main() {}
/// ```
///
/// [`Row`]: https://docs.rs/xos-sync-core/latest/xos_sync_core/struct.Row.html
/// [Row]: https://docs.rs/xos-sync-core/latest/xos_sync_core/struct.Row.html
/// [`Model`]: https://docs.rs/xos-sync-core/latest/xos_sync_core/trait.Model.html
/// [`Secret`]: https://docs.rs/xos-sync-core/latest/xos_sync_core/struct.Secret.html
/// [`Micros`]: https://docs.rs/xos-sync-core/latest/xos_sync_core/struct.Micros.html
/// [Id]: https://docs.rs/xos-sync-core/latest/xos_sync_core/struct.Id.html
/// [`choices!`]: https://docs.rs/xos-sync-core/latest/xos_sync_core/macro.choices.html
#[proc_macro_attribute]
pub fn model(options: TokenStream, item: TokenStream) -> TokenStream {
    model::model(options.into(), item.into()).into()
}

/// Makes a struct a step, and links it into every program that names its crate.
///
/// ```
/// use xos_sync_core::{
///     Context, Outcome, Row, StepDef, StepResult, SyncStep, models::User, sync_step,
/// };
///
/// # #[derive(Clone)]
/// # pub struct Ldap;
/// # impl Ldap {
/// #     async fn put(&self, _: &str) -> Result<String, std::io::Error> { Ok("cn=a".into()) }
/// #     async fn remove(&self, _: &str) -> Result<(), std::io::Error> { Ok(()) }
/// # }
/// /// Gives every user an account.
/// #[sync_step(provides = User, interval = 3600)]
/// pub struct SyncUsers {
///     ldap: Ldap,
/// }
///
/// impl SyncStep for SyncUsers {
///     async fn sync_record(&self, _: &Context, user: &mut Row<User>) -> StepResult {
///         user.key_name = Some(self.ldap.put(&user.email).await?);
///         Ok(Outcome::Done)
///     }
///
///     async fn delete_record(&self, _: &Context, user: &Row<User>) -> StepResult {
///         self.ldap.remove(&user.email).await?;
///         Ok(Outcome::Done)
///     }
/// }
///
/// assert_eq!(SyncUsers::SPEC.provided().next().unwrap().name, "User");
/// ```
///
/// # Options
/// - `provides = Model` or `provides = [A, B]`: the models that place the step among the others:
///   it comes after the steps that provide what these reference.
/// - `interval = 3600`: the time between two resyncs of the step, in seconds.
/// - `observes = Model` or `observes = [A, B]`: the models whose rows it is called with, when they
///   are others than those that it provides. With several, write one `impl SyncStep<A> for …`
///   for each.
/// - `concurrency = 8`: calls in flight at once, 1 to 1024.
/// - `budget = "cloud"`: each call draws one token of this budget, which other steps and processes
///   may share; see `xos_sync_core::budget::Budget`.
/// - `timeout = 300`: after how many seconds a call is given up.
/// - `only = "kind = 'vm'"`: an SQL condition on the rows that the step gets. The step that stamped
///   a row last also deletes it. A row without a stamp goes to the step for which the
///   condition holds over the row's last values.
/// - `synchronizer = "ec2"`: the Synchronizer that it belongs to; the crate's name, without
///   `xos_sync_`, when it is left out.
///
/// # Fields
/// Each is filled by a clone of the backend of its type that is registered with the
/// Synchronizer. A type that nobody registered is an error at the start, naming step and field.
///
/// # What it makes
/// The implementation of `StepDef`, and `registration()`, which is what a registry that is built
/// by hand takes.
#[proc_macro_attribute]
pub fn sync_step(options: TokenStream, item: TokenStream) -> TokenStream {
    step::sync_step(options.into(), item.into()).into()
}
