//! A role in a project for a row of a privilege, of a site or of a slice.

use std::collections::HashSet;
use std::time::Duration;

use xos_sync_core::{Context, Id, Micros, StepError, models::Controller};

use super::privileges::{self, Kind, Privilege};
use crate::RoleNames;
use crate::client::{Assignment, AssignmentQuery, CloudError, Role};
use crate::clouds::Place;

/// How long to wait for what another step makes.
const SOON: Duration = Duration::from_secs(2);

/// The row of a privilege on one controller, as a step has it.
pub(super) struct Held<'a> {
    pub(super) id: i64,
    pub(super) controller: Id<Controller>,
    pub(super) role_id: Option<&'a str>,
    pub(super) enacted: Option<Micros>,
}

impl Held<'_> {
    /// Whether it may stand for another grant than the one that was made for it.
    fn is_stale(&self, privilege: &Privilege) -> bool {
        self.enacted.is_none_or(|enacted| enacted.0 < privilege.updated)
    }
}

/// What is to be granted now.
pub(super) enum Goal {
    /// It is granted already.
    There,
    /// This; `revoked` says nothing of it is left from an earlier state of the row.
    Grant(Assignment),
}

/// What the row asks for. A grant that it had before its privilege changed is taken back.
pub(super) async fn goal(
    cx: &Context,
    place: &Place,
    names: &RoleNames,
    kind: &Kind,
    held: &Held<'_>,
) -> Result<Goal, StepError> {
    let privilege = privileges::of_row(cx, kind, held.id).await?;
    let privilege = privilege.ok_or_else(|| waiting("the privilege"))?;
    let user_id = privilege.user_id.clone().ok_or_else(|| waiting("the user's account"))?;
    let project_id = privilege.project_id.clone().ok_or_else(|| waiting(kind.project))?;
    let stale = held.is_stale(&privilege);
    if let (Some(role_id), false) = (held.role_id, stale) {
        let grant = Assignment { role_id: role_id.to_owned(), user_id, project_id };
        let query = AssignmentQuery {
            user_id: Some(grant.user_id.clone()),
            project_id: Some(grant.project_id.clone()),
            role_id: Some(grant.role_id.clone()),
        };
        let there = place.cloud.assignments(&query).await.map_err(CloudError::into_step_error)?;
        if there.contains(&grant) {
            return Ok(Goal::There);
        }
        // The role may have been made anew meanwhile.
        let role_id = role(place, names.of(&privilege.role)).await?;
        return Ok(Goal::Grant(Assignment { role_id, ..grant }));
    }
    let roles = roles(place).await?;
    if let Some(old) = held.role_id {
        take_back(cx, place, names, kind, held.controller, old, &roles).await?;
    }
    let role_id = by_name(place, &roles, names.of(&privilege.role))?;
    Ok(Goal::Grant(Assignment { role_id, user_id, project_id }))
}

/// Revokes what was granted for the row.
pub(super) async fn revoke(
    cx: &Context,
    place: &Place,
    names: &RoleNames,
    kind: &Kind,
    held: &Held<'_>,
) -> Result<(), StepError> {
    // Saved before anything is granted: without it, nothing was.
    let Some(role_id) = held.role_id else { return Ok(()) };
    for privilege in privileges::of_deleted(cx, kind, held.id).await? {
        if held.is_stale(&privilege) {
            let roles = roles(place).await?;
            take_back(cx, place, names, kind, held.controller, role_id, &roles).await?;
        }
        let (Some(user_id), Some(project_id)) = (privilege.user_id, privilege.project_id) else {
            continue;
        };
        let grant = Assignment { role_id: role_id.to_owned(), user_id, project_id };
        match place.cloud.revoke(&grant).await {
            Err(error) if !error.is_not_found() => return Err(error.into_step_error()),
            _ => {}
        }
    }
    Ok(())
}

/// Revokes each grant of this role, to an account of ours in a project of ours, that no row asks for:
/// those of rows whose privilege is now another's, or somewhere else.
async fn take_back(
    cx: &Context,
    place: &Place,
    names: &RoleNames,
    kind: &Kind,
    controller: Id<Controller>,
    role_id: &str,
    roles: &[Role],
) -> Result<(), StepError> {
    let query = AssignmentQuery { role_id: Some(role_id.to_owned()), ..AssignmentQuery::default() };
    let there = place.cloud.assignments(&query).await.map_err(CloudError::into_step_error)?;
    let (users, projects) = privileges::ours(cx, kind, controller).await?;
    let ours =
        |grant: &Assignment| users.contains(&grant.user_id) && projects.contains(&grant.project_id);
    let is_role = |name: &str| roles.iter().any(|role| role.id == role_id && role.name == name);
    let mut wanted = HashSet::new();
    let mut after = 0;
    loop {
        let page = privileges::page(cx, kind, controller, after).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        wanted.extend(
            page.into_iter()
                .filter(|row| is_role(names.of(&row.role)))
                .filter_map(|row| Some((row.user_id?, row.project_id?))),
        );
    }
    for grant in there.into_iter().filter(ours) {
        if wanted.contains(&(grant.user_id.clone(), grant.project_id.clone())) {
            continue;
        }
        match place.cloud.revoke(&grant).await {
            Err(error) if !error.is_not_found() => return Err(error.into_step_error()),
            _ => {}
        }
    }
    Ok(())
}

/// The rows of one controller whose grants are not there, or are after an error that waits for a change.
pub(super) async fn news(cx: &Context, place: &Place, kind: &Kind) -> Result<Vec<i64>, StepError> {
    let mut there = HashSet::new();
    for role_id in privileges::roles(cx, kind, place.controller.id).await? {
        let query = AssignmentQuery { role_id: Some(role_id), ..AssignmentQuery::default() };
        there.extend(place.cloud.assignments(&query).await.map_err(CloudError::into_step_error)?);
    }
    let (mut news, mut after) = (Vec::new(), 0);
    loop {
        let page = privileges::page(cx, kind, place.controller.id, after).await?;
        let Some(last) = page.last() else { return Ok(news) };
        after = last.id;
        let is_news = |row: &Privilege| {
            let grant = row.grant();
            let settled = grant.is_some_and(|grant| there.contains(&grant));
            if settled { row.is_terminal() } else { !row.is_pending() }
        };
        news.extend(page.iter().filter(|row| is_news(row)).map(|row| row.id));
    }
}

/// The id of the role of this name.
pub(super) async fn role(place: &Place, name: &str) -> Result<String, StepError> {
    by_name(place, &roles(place).await?, name)
}

async fn roles(place: &Place) -> Result<Vec<Role>, StepError> {
    place.cloud.roles().all().await.map_err(CloudError::into_step_error)
}

fn by_name(place: &Place, roles: &[Role], name: &str) -> Result<String, StepError> {
    let found = roles.iter().find(|role| role.name == name);
    found.map(|role| role.id.clone()).ok_or_else(|| {
        waiting(&format!("the role {name}, which {} does not have yet", place.controller.name))
    })
}

fn waiting(what: &str) -> StepError {
    StepError::deferred(format!("waiting for {what}"), SOON)
}
