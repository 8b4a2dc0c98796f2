//! What the rows of privileges on a controller ask for: of sites and of slices in the same way, hence in
//! SQL.

use std::collections::HashSet;

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use xos_sync_core::{
    Context, Id, Row, StepError,
    error::BackendClass,
    models::{
        Controller, ControllerSite, ControllerSitePrivilege, ControllerSlice,
        ControllerSlicePrivilege, ControllerUser, Site, SitePrivilege, Slice, SlicePrivilege, User,
    },
};

use super::live::PAGE;
use super::on_controllers::OnController;
use super::scope::rows_and_deleted;
use crate::client::Assignment;

/// Whose privileges: the tables and columns.
pub(super) struct Kind {
    /// What the grant is in, for messages.
    pub(super) project: &'static str,
    rows: &'static str,
    privileges: &'static str,
    privilege: &'static str,
    roles: &'static str,
    projects: &'static str,
    thing: &'static str,
}

/// A row of a privilege on one controller.
pub(super) trait Granted: OnController {
    const KIND: Kind;

    /// What stands for the site or slice on a controller.
    type Project: OnController;

    /// Whose privilege it is, and in what.
    fn sides(privilege: &Self::Thing) -> (Id<User>, Id<<Self::Project as OnController>::Thing>);
}

impl Granted for ControllerSitePrivilege {
    const KIND: Kind = SITES;

    type Project = ControllerSite;

    fn sides(privilege: &SitePrivilege) -> (Id<User>, Id<Site>) {
        (privilege.user_id, privilege.site_id)
    }
}

impl Granted for ControllerSlicePrivilege {
    const KIND: Kind = SLICES;

    type Project = ControllerSlice;

    fn sides(privilege: &SlicePrivilege) -> (Id<User>, Id<Slice>) {
        (privilege.user_id, privilege.slice_id)
    }
}

const SITES: Kind = Kind {
    project: "the site's project",
    rows: "controller_site_privileges",
    privileges: "site_privileges",
    privilege: "site_privilege_id",
    roles: "site_roles",
    projects: "controller_sites",
    thing: "site_id",
};

const SLICES: Kind = Kind {
    project: "the slice's project",
    rows: "controller_slice_privileges",
    privileges: "slice_privileges",
    privilege: "slice_privilege_id",
    roles: "slice_roles",
    projects: "controller_slices",
    thing: "slice_id",
};

/// A row of a privilege on a controller, with what Keystone calls what it is about.
#[derive(QueryableByName)]
pub(super) struct Privilege {
    #[diesel(sql_type = BigInt)]
    pub(super) id: i64,
    /// The role that is recorded.
    #[diesel(sql_type = Nullable<Text>)]
    role_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    backend_class: Option<BackendClass>,
    #[diesel(sql_type = Bool)]
    pending: bool,
    /// When the privilege itself was last changed.
    #[diesel(sql_type = BigInt)]
    pub(super) updated: i64,
    /// The name of the role.
    #[diesel(sql_type = Text)]
    pub(super) role: String,
    /// The account, once there is one.
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) user_id: Option<String>,
    /// The project, once there is one.
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) project_id: Option<String>,
}

impl Privilege {
    pub(super) fn grant(&self) -> Option<Assignment> {
        Some(Assignment {
            role_id: self.role_id.clone()?,
            user_id: self.user_id.clone()?,
            project_id: self.project_id.clone()?,
        })
    }

    pub(super) fn is_pending(&self) -> bool {
        self.pending
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.backend_class == Some(BackendClass::Terminal)
    }
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// What a row that is being deleted was for, perhaps with the rest: several accounts or projects where
/// one was added again meanwhile, and none where all is gone.
pub(super) struct Former {
    /// When the privilege itself was last changed.
    pub(super) updated: i64,
    pub(super) user_ids: Vec<String>,
    pub(super) project_ids: Vec<String>,
}

/// What the row with this key asks for.
pub(super) async fn of_row(
    cx: &Context,
    kind: &Kind,
    id: i64,
) -> Result<Option<Privilege>, StepError> {
    Ok(query(cx, kind, &format!("c.id = {id}")).await?.pop())
}

/// What a row that is being deleted asked for: its privilege, account and project may be deleted too.
pub(super) async fn of_deleted<M: Granted>(
    cx: &Context,
    row: &Row<M>,
) -> Result<Former, StepError> {
    let privilege = cx.get(row.thing()).await?;
    let (user, thing) = M::sides(&privilege);
    let controller = row.controller().raw();
    let of_user = format!("user_id = {} AND controller_id = {controller}", user.raw());
    let of_thing = format!("{} = {} AND controller_id = {controller}", M::KIND.thing, thing.raw());
    Ok(Former {
        updated: privilege.bookkeeping().updated.0,
        user_ids: ids_there(rows_and_deleted::<ControllerUser>(cx, of_user).await?),
        project_ids: ids_there(rows_and_deleted::<M::Project>(cx, of_thing).await?),
    })
}

fn ids_there<M: OnController>(rows: Vec<Row<M>>) -> Vec<String> {
    rows.iter().filter_map(|row| row.id_there().map(str::to_owned)).collect()
}

/// The rows of a controller that are not deleted or held, after this key.
pub(super) async fn page(
    cx: &Context,
    kind: &Kind,
    controller: Id<Controller>,
    after: i64,
) -> Result<Vec<Privilege>, StepError> {
    let which = format!(
        "c.controller_id = {} AND c.id > {after} AND NOT s.no_sync \
         ORDER BY c.id LIMIT {PAGE}",
        controller.raw()
    );
    query(cx, kind, &which).await
}

async fn query(cx: &Context, kind: &Kind, which: &str) -> Result<Vec<Privilege>, StepError> {
    let Kind { rows, privileges, privilege, roles, projects, thing, .. } = kind;
    let text = format!(
        "SELECT c.id, c.role_id, s.backend_class, \
                (s.enacted IS NULL OR s.enacted < s.updated) AS pending, \
                v.updated, r.role, u.kuser_id AS user_id, t.tenant_id AS project_id \
         FROM {rows} AS c JOIN {rows}_sync AS s ON s.object_id = c.id AND NOT s.deleted \
         JOIN {privileges} AS p ON p.id = c.{privilege} \
         JOIN {privileges}_sync AS v ON v.object_id = p.id AND NOT v.deleted \
         JOIN {roles} AS r ON r.id = p.role_id \
         LEFT JOIN controller_users AS u ON u.user_id = p.user_id \
              AND u.controller_id = c.controller_id \
         LEFT JOIN {projects} AS t ON t.{thing} = p.{thing} \
              AND t.controller_id = c.controller_id \
         WHERE {which}"
    );
    Ok(cx.db().run(move |conn| sql_query(text).load(conn)).await?)
}

/// The roles that are recorded in a controller's rows.
pub(super) async fn roles(
    cx: &Context,
    kind: &Kind,
    controller: Id<Controller>,
) -> Result<HashSet<String>, StepError> {
    let text = format!(
        "SELECT DISTINCT role_id AS word FROM {} WHERE controller_id = {} AND role_id IS NOT NULL",
        kind.rows,
        controller.raw()
    );
    let words: Vec<Word> = cx.db().run(move |conn| sql_query(text).load(conn)).await?;
    Ok(words.into_iter().map(|found| found.word).collect())
}

/// The accounts that stand for users on a controller, and the projects that stand for sites or slices,
/// also of deleted ones.
pub(super) async fn ours<M: Granted>(
    cx: &Context,
    controller: Id<Controller>,
) -> Result<(HashSet<String>, HashSet<String>), StepError> {
    let on_it = format!("controller_id = {}", controller.raw());
    let users = ids_there(rows_and_deleted::<ControllerUser>(cx, on_it.clone()).await?);
    let projects = ids_there(rows_and_deleted::<M::Project>(cx, on_it).await?);
    Ok((users.into_iter().collect(), projects.into_iter().collect()))
}
