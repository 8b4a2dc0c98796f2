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
///     pub id: Id<Volume>,
///     /// What people call it.
///     pub name: String,
///     /// Whose it is; deleted along with the site.
///     #[references(Site, on_delete = cascade)]
///     pub site_id: Id<Site>,
///     /// What it is a copy of; that one stays until this one is gone.
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
/// - `unique(a, b)`: these columns together stand only once among the rows that are not
///   deleted. May be given several times.
/// - `expand(s in Slice, d in SiteDeployment, on = "…", slice_id = s.id, controller_id =
///   d.controller_id)`: rows that nobody has to write, because they follow from other models' rows:
///   one for each combination of a row `s` and a row `d` for which the SQL condition holds, with
///   these values. The database makes them, and deletes them when they follow from nothing any
///   more. So a thing that is to exist on several backends has a row for each (what the original
///   system's model policies did). Where a step provides the thing by these rows, what references
///   the thing, and leads to one of the backends itself, waits for the row there alone (for all
///   of them, while it leads to none). Say `unique(…)` of the columns that are filled in; the
///   others must be optional, have a default, or be a step's. Rows that are written by hand stay,
///   until a row changes that they could have followed from.
///
/// # Columns
/// A field is a column of the same name. Its type is `String`, [`Secret`], `i32`, `i64`, `f64`,
/// `bool`, [`Micros`], [`Id<Model>`][Id], or an `Option` of one of them. Everything is part of
/// the goal, which users write, unless it is marked:
/// - `#[backend]`: found out or made by a step, hence an `Option`; a change of it never makes the
///   row pending.
/// - `#[references(Model)]`, on an `Id<Model>`: the row is synced after the one that it references,
///   and deleted before it. A deleted row waits for those that reference it, or with
///   `on_delete = cascade` takes them along. With `on_update = sync` the row is pending again
///   when the goal of the one that it references changes.
/// - `#[unique]`: stands only once among the rows that are not deleted.
/// - `#[default(…)]`: a literal, or a value of a choice: what the column holds when nothing is
///   said, for SQL and for `New…::new`.
/// - `#[choice]`: an enum made with [`choices!`].
/// - `#[label]`: what people call the row in logs and in the status. A column called `name` is
///   it without a mark.
///
/// # What it makes
/// - The struct itself, with `id` in front and `bookkeeping` behind, with [`Debug`], [`Clone`],
///   [`PartialEq`] and diesel's `Queryable` and `Selectable`. Other derives and attributes stay.
/// - A module named after the table, by diesel's `table!`, with the columns of the framework:
///   every query of diesel works, best with `.select(Volume::as_select())`.
/// - `NewVolume`, with all fields but those two. `NewVolume::new` takes those without `Option`
///   and default, in order; `insert` adds the row.
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
/// use async_trait::async_trait;
/// use xos_sync_core::{Context, StepDef, StepResult, SyncStep, models::User, sync_step};
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
/// #[async_trait]
/// impl SyncStep for SyncUsers {
///     async fn sync_record(&self, _: &Context, user: &mut User) -> StepResult {
///         user.key_name = Some(self.ldap.put(&user.email).await?);
///         Ok(())
///     }
///
///     async fn delete_record(&self, _: &Context, user: &User) -> StepResult {
///         Ok(self.ldap.remove(&user.email).await?)
///     }
/// }
///
/// assert_eq!(SyncUsers::SPEC.provided().next().unwrap().name, "User");
/// ```
///
/// # Options
/// - `provides = Model` or `provides = [A, B]`: the models that place the step among the others:
///   it comes after the steps that provide what these reference.
/// - `interval = 3600`: how often the step comes round by itself, in seconds.
/// - `observes = Model` or `observes = [A, B]`: the models whose rows it is called with, when they
///   are others than those that it provides. With several, write one `impl SyncStep<A> for …`
///   for each.
/// - `concurrency = 8`: how many rows are in hand at once, 1 to 1024.
/// - `budget = "cloud"`: each call draws one token of this budget, which other steps and processes
///   may share; see `xos_sync_core::budget::Budget`.
/// - `timeout = 300`: after how many seconds a call is given up.
/// - `only = "kind = 'vm'"`: an SQL condition on the rows that are the step's business.
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
