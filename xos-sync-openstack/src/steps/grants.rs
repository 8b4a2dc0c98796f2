//! A role in a project for a row of a privilege, of a site or of a slice.

use std::collections::HashSet;

use xos_sync_core::{
    Context, Id, Outcome, Pending, Reason, Row, StepError, StepResult, models::Controller, ready,
    step::Ready,
};

use super::answers::{gone, wait};
use super::on_controllers::record;
use super::privileges::{self, Granted, Privilege};
use crate::client::{Assignment, AssignmentQuery, CloudError, Role};
use crate::clouds::Place;
use crate::{Clouds, RoleNames};

/// How long to wait for what another step makes, in seconds.
const SOON: u64 = 2;

/// Tells of the rows of one controller whose grants are not there.
pub(super) async fn look<M: Granted>(
    cx: &Context,
    clouds: &Clouds,
    controller: Id<Controller>,
    pending: &mut Pending<M>,
) -> Result<(), StepError> {
    let place = clouds.place(cx, controller).await?;
    let news = news::<M>(cx, &place).await?;
    pending.sync_again(news.into_iter().map(Id::new)).await?;
    Ok(())
}

/// Grants what the row asks for. A grant that it had before its privilege changed is taken back.
pub(super) async fn sync<M: Granted>(
    cx: &Context,
    clouds: &Clouds,
    names: &RoleNames,
    row: &mut Row<M>,
) -> StepResult {
    let place = clouds.place(cx, row.controller()).await?;
    let privilege = privileges::of_row(cx, &M::KIND, row.id().raw()).await?;
    let Some(privilege) = privilege else { return Ok(waiting("the privilege")) };
    let Some(user_id) = privilege.user_id.clone() else { return Ok(waiting("the user's account")) };
    let Some(project_id) = privilege.project_id.clone() else {
        return Ok(waiting(M::KIND.project));
    };
    let as_left = row.id_there().filter(|_| !is_stale(row, privilege.updated));
    if let Some(role_id) = as_left {
        let query = AssignmentQuery {
            user_id: Some(user_id.clone()),
            project_id: Some(project_id.clone()),
            role_id: Some(role_id.to_owned()),
        };
        let there = place.cloud.assignments(&query).await.map_err(CloudError::into_step_error)?;
        if !there.is_empty() {
            return Ok(Outcome::Done);
        }
    } else if let Some(old) = row.id_there() {
        take_back::<M>(cx, &place, names, old, &roles(&place).await?).await?;
    }
    // Also where one is recorded: it may have been made anew meanwhile.
    let role_id = ready!(role(&place, names.of(&privilege.role)).await?);
    // Before it is granted, so that a change or deletion after a crash knows that it may have been.
    record(cx, row, &role_id).await?;
    give(&place, &Assignment { role_id, user_id, project_id }).await?;
    Ok(Outcome::Done)
}

/// Revokes what was granted for the row.
pub(super) async fn delete<M: Granted>(
    cx: &Context,
    clouds: &Clouds,
    names: &RoleNames,
    row: &Row<M>,
) -> Result<(), StepError> {
    // Saved before anything is granted: without it, nothing was.
    let Some(role_id) = row.id_there() else { return Ok(()) };
    let place = clouds.place(cx, row.controller()).await?;
    let former = privileges::of_deleted(cx, row).await?;
    if is_stale(row, former.updated) {
        take_back::<M>(cx, &place, names, role_id, &roles(&place).await?).await?;
    }
    for user_id in &former.user_ids {
        for project_id in &former.project_ids {
            let grant = Assignment {
                role_id: role_id.to_owned(),
                user_id: user_id.clone(),
                project_id: project_id.clone(),
            };
            gone(place.cloud.revoke(&grant).await)?;
        }
    }
    Ok(())
}

/// Whether the row may stand for another grant than the one that was made for it, because its privilege
/// was changed since.
fn is_stale<M: Granted>(row: &Row<M>, updated: i64) -> bool {
    row.bookkeeping().enacted.is_none_or(|enacted| enacted.0 < updated)
}

/// Revokes each grant of this role, to an account of ours in a project of ours, that no row asks for:
/// those of rows whose privilege is now another's, or somewhere else.
async fn take_back<M: Granted>(
    cx: &Context,
    place: &Place,
    names: &RoleNames,
    role_id: &str,
    roles: &[Role],
) -> Result<(), StepError> {
    let query = AssignmentQuery { role_id: Some(role_id.to_owned()), ..AssignmentQuery::default() };
    let there = place.cloud.assignments(&query).await.map_err(CloudError::into_step_error)?;
    let controller = place.controller.id;
    let (users, projects) = privileges::ours::<M>(cx, controller).await?;
    let ours =
        |grant: &Assignment| users.contains(&grant.user_id) && projects.contains(&grant.project_id);
    let is_role = |name: &str| roles.iter().any(|role| role.id == role_id && role.name == name);
    let mut wanted = HashSet::new();
    let mut after = 0;
    loop {
        let page = privileges::page(cx, &M::KIND, controller, after).await?;
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
        gone(place.cloud.revoke(&grant).await)?;
    }
    Ok(())
}

/// The rows of one controller whose grants are not there, or are after an error that waits for a change.
async fn news<M: Granted>(cx: &Context, place: &Place) -> Result<Vec<i64>, StepError> {
    let mut there = HashSet::new();
    for role_id in privileges::roles(cx, &M::KIND, place.controller.id).await? {
        let query = AssignmentQuery { role_id: Some(role_id), ..AssignmentQuery::default() };
        there.extend(place.cloud.assignments(&query).await.map_err(CloudError::into_step_error)?);
    }
    let (mut news, mut after) = (Vec::new(), 0);
    loop {
        let page = privileges::page(cx, &M::KIND, place.controller.id, after).await?;
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

/// Grants a role whose id [`role`] has told.
pub(super) async fn give(place: &Place, grant: &Assignment) -> Result<(), StepError> {
    place.cloud.grant(grant).await.map_err(|error| {
        if error.is_not_found() {
            place.roles.forget();
        }
        error.into_step_error()
    })
}

/// The id of the role of this name.
pub(super) async fn role(place: &Place, name: &str) -> Result<Ready<String>, StepError> {
    if let Some(id) = place.roles.id_of(name) {
        return Ok(Ready::Continue(id));
    }
    let id = ready!(by_name(place, &roles(place).await?, name));
    place.roles.learn(name, &id);
    Ok(Ready::Continue(id))
}

async fn roles(place: &Place) -> Result<Vec<Role>, StepError> {
    place.cloud.roles().all().await.map_err(CloudError::into_step_error)
}

fn by_name(place: &Place, roles: &[Role], name: &str) -> Ready<String> {
    match roles.iter().find(|role| role.name == name) {
        Some(role) => Ready::Continue(role.id.clone()),
        None => {
            let controller = &place.controller.name;
            waiting(&format!("the role {name}, which {controller} does not have yet")).into()
        }
    }
}

fn waiting(what: &str) -> Outcome {
    wait(Reason::BLOCKED_BY_PARENT, format!("waiting for {what}"), SOON)
}
