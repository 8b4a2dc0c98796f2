//! A project for each slice.

use std::collections::HashSet;

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Controller, ControllerSlice, Slice},
    ready,
    step::Ready,
    sync_step,
};

use super::on_controllers::{Look, tell};
use super::projects::{self, ProjectIs};
use super::{grants, marks};
use crate::Clouds;
use crate::client::{Assignment, AssignmentQuery, Cloud, CloudError, ComputeQuota};
use crate::clouds::Place;

/// What the Synchronizer's own user must be in a slice's project to make servers there.
const OWN_ROLE: &str = "admin";

/// Gives each slice a project, named as it is and enabled as it is, on each controller that its site is
/// deployed on, with room for the slice's `max_instances` servers.
///
/// The user that the Synchronizer logs in as gets the role `admin` in it: Nova makes servers only in the
/// project that one is logged in to. A project of this name that was not made for the slice is left
/// alone, and an error. A slice's project is deleted when nothing is in it any more but the security
/// group that Neutron has made there by itself; what others have put there holds it up.
#[sync_step(
    provides = Slice,
    observes = ControllerSlice,
    interval = 300,
    only = "controller_slices.controller_id IN \
            (SELECT c.id FROM controllers AS c WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncControllerSlices {
    clouds: Clouds,
}

impl SyncStep<ControllerSlice> for SyncControllerSlices {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerSlice>,
    ) -> StepResult {
        self.look_at_all(cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<ControllerSlice>) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let slice = cx.get(row.slice_id).await?;
        let wanted = wanted(cx, row, &slice);
        let (id, project_is) = projects::settle(cx, &place, row, &wanted).await?;
        if project_is == ProjectIs::New {
            // Nobody has a role in it, and its quota is the cloud's: there is nothing to look at.
            ready!(join(&place, &id).await?);
            allow(&place.cloud, &id, slice.max_instances).await?;
            return Ok(Outcome::Done);
        }
        ready!(take_part(&place, &id).await?);
        keep_allowed(&place.cloud, &id, slice.max_instances).await?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, cx: &Context, row: &Row<ControllerSlice>) -> StepResult {
        projects::remove(&self.clouds.place(cx, row.controller_id).await?, row).await
    }
}

#[async_trait]
impl Look<ControllerSlice> for SyncControllerSlices {
    /// Finds projects that are not as they were left, or from which the Synchronizer's user was shut out.
    /// Quotas are not listed: Nova answers them one by one.
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerSlice>,
    ) -> Result<(), StepError> {
        let place = self.clouds.place(cx, controller).await?;
        let there = projects::all(&place).await?;
        let own = own_grants(&place.cloud).await?;
        let is_settled = |row: &Row<ControllerSlice>, slice: &Row<Slice>| {
            let project = row.tenant_id.as_ref().filter(|id| own.contains(*id));
            wanted(cx, row, slice).is_met_by(project.and_then(|id| there.get(id)))
        };
        tell(cx, controller, pending, is_settled).await
    }
}

/// Gives our own user its role in the project, unless it has it.
async fn take_part(place: &Place, project: &str) -> Result<Ready<()>, StepError> {
    let user_id = own_id(&place.cloud).await?;
    let query = AssignmentQuery {
        user_id: Some(user_id),
        project_id: Some(project.to_owned()),
        ..AssignmentQuery::default()
    };
    let has = place.cloud.assignments(&query).await.map_err(CloudError::into_step_error)?;
    // Whichever role it is: an operator may have chosen another one.
    if has.is_empty() { join(place, project).await } else { Ok(Ready::Continue(())) }
}

/// Gives our own user its role in the project.
async fn join(place: &Place, project: &str) -> Result<Ready<()>, StepError> {
    let role_id = ready!(grants::role(place, OWN_ROLE).await?);
    let user_id = own_id(&place.cloud).await?;
    let grant = Assignment { role_id, user_id, project_id: project.to_owned() };
    grants::give(place, &grant).await?;
    Ok(Ready::Continue(()))
}

async fn own_id(cloud: &Cloud) -> Result<String, StepError> {
    Ok(cloud.identity().await.map_err(CloudError::into_step_error)?.user_id)
}

/// The projects in which our own user has a role.
async fn own_grants(cloud: &Cloud) -> Result<HashSet<String>, StepError> {
    let query =
        AssignmentQuery { user_id: Some(own_id(cloud).await?), ..AssignmentQuery::default() };
    let grants = cloud.assignments(&query).await.map_err(CloudError::into_step_error)?;
    Ok(grants.into_iter().map(|grant| grant.project_id).collect())
}

/// Sets how many servers there may be, unless it is so.
async fn keep_allowed(cloud: &Cloud, project: &str, servers: i32) -> Result<(), StepError> {
    let there = cloud.compute_quota(project).await.map_err(CloudError::into_step_error)?;
    if there.instances == Some(servers.into()) {
        return Ok(());
    }
    allow(cloud, project, servers).await
}

/// Sets how many servers there may be.
async fn allow(cloud: &Cloud, project: &str, servers: i32) -> Result<(), StepError> {
    let quota = ComputeQuota { instances: Some(servers.into()), ..ComputeQuota::default() };
    let set = cloud.set_compute_quota(project, &quota).await;
    set.map(drop).map_err(CloudError::into_step_error)
}

fn wanted(cx: &Context, row: &Row<ControllerSlice>, slice: &Slice) -> projects::Wanted {
    projects::Wanted {
        name: slice.name.clone(),
        description: slice.description.clone().unwrap_or_default(),
        enabled: slice.enabled,
        tags: marks::tags(cx, row),
        mark: marks::uid(row),
        origin: "the slice's `name`",
    }
}
