//! What the rows of privileges on a controller ask for: of sites and of slices in the same way, hence in
//! SQL.

use std::collections::HashSet;

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use xos_sync_core::{
    Context, Id, StepError,
    models::{Controller, ControllerSitePrivilege, ControllerSlicePrivilege},
};

use super::live::PAGE;
use super::on_controllers::OnController;
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
}

impl Granted for ControllerSitePrivilege {
    const KIND: Kind = SITES;
}

impl Granted for ControllerSlicePrivilege {
    const KIND: Kind = SLICES;
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
    backend_class: Option<String>,
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
        self.backend_class.as_deref() == Some("terminal")
    }
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Which accounts and projects count.
enum Those {
    NotDeleted,
    All,
}

/// What the row with this key asks for.
pub(super) async fn of_row(
    cx: &Context,
    kind: &Kind,
    id: i64,
) -> Result<Option<Privilege>, StepError> {
    Ok(query(cx, kind, Those::NotDeleted, &format!("c.id = {id}")).await?.pop())
}

/// The same for a row that is being deleted, perhaps with the rest: several where an account was added
/// again meanwhile, and none where all is gone.
pub(super) async fn of_deleted(
    cx: &Context,
    kind: &Kind,
    id: i64,
) -> Result<Vec<Privilege>, StepError> {
    query(cx, kind, Those::All, &format!("c.id = {id}")).await
}

/// The rows of a controller that are not deleted or held, after this key.
pub(super) async fn page(
    cx: &Context,
    kind: &Kind,
    controller: Id<Controller>,
    after: i64,
) -> Result<Vec<Privilege>, StepError> {
    let which = format!(
        "c.controller_id = {} AND c.id > {after} AND NOT c.deleted AND NOT c.no_sync \
         ORDER BY c.id LIMIT {PAGE}",
        controller.raw()
    );
    query(cx, kind, Those::NotDeleted, &which).await
}

async fn query(
    cx: &Context,
    kind: &Kind,
    those: Those,
    which: &str,
) -> Result<Vec<Privilege>, StepError> {
    let Kind { rows, privileges, privilege, roles, projects, thing, .. } = kind;
    let (users_left, projects_left) = match those {
        Those::NotDeleted => (" AND NOT u.deleted", " AND NOT t.deleted"),
        Those::All => ("", ""),
    };
    let text = format!(
        "SELECT c.id, c.role_id, c.backend_class, \
                (c.enacted IS NULL OR c.enacted < c.updated) AS pending, \
                p.updated, r.role, u.kuser_id AS user_id, t.tenant_id AS project_id \
         FROM {rows} AS c JOIN {privileges} AS p ON p.id = c.{privilege} \
         JOIN {roles} AS r ON r.id = p.role_id \
         LEFT JOIN controller_users AS u ON u.user_id = p.user_id \
              AND u.controller_id = c.controller_id{users_left} \
         LEFT JOIN {projects} AS t ON t.{thing} = p.{thing} \
              AND t.controller_id = c.controller_id{projects_left} \
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
    words(cx, "role_id", kind.rows, controller).await
}

/// The accounts that stand for users on a controller, and the projects that stand for sites or slices.
pub(super) async fn ours(
    cx: &Context,
    kind: &Kind,
    controller: Id<Controller>,
) -> Result<(HashSet<String>, HashSet<String>), StepError> {
    let users = words(cx, "kuser_id", "controller_users", controller).await?;
    Ok((users, words(cx, "tenant_id", kind.projects, controller).await?))
}

async fn words(
    cx: &Context,
    column: &str,
    table: &str,
    controller: Id<Controller>,
) -> Result<HashSet<String>, StepError> {
    let text = format!(
        "SELECT DISTINCT {column} AS word FROM {table} \
         WHERE controller_id = {} AND {column} IS NOT NULL",
        controller.raw()
    );
    let words: Vec<Word> = cx.db().run(move |conn| sql_query(text).load(conn)).await?;
    Ok(words.into_iter().map(|found| found.word).collect())
}
