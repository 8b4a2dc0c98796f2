//! A project for each slice.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Model as _, Pending, StepError, StepResult, SyncStep,
    models::{Controller, ControllerSlice, Slice},
    sync_step,
};

use super::live::{self, Live, is_news};
use super::{grants, marks, projects};
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

#[async_trait]
impl SyncStep<ControllerSlice> for SyncControllerSlices {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerSlice>,
    ) -> StepResult {
        let mut told = Ok(());
        for id in live::controllers(cx).await? {
            told = told.and(self.look(cx, id, pending).await);
        }
        told
    }

    async fn sync_record(&self, cx: &Context, row: &mut ControllerSlice) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let slice = cx.get(row.slice_id).await?;
        let wanted = wanted(cx, row, &slice);
        let there = projects::find_or_make(&place, row.tenant_id.as_deref(), &wanted).await?;
        if row.tenant_id.as_ref() != Some(&there.id) {
            row.tenant_id = Some(there.id.clone());
            cx.save(row).await?;
        }
        projects::adjust(&place, &there, &wanted).await?;
        take_part(&place, &there.id).await?;
        allow(&place.cloud, &there.id, slice.max_instances)
            .await
            .map_err(CloudError::into_step_error)
    }

    async fn delete_record(&self, cx: &Context, row: &ControllerSlice) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        match projects::find(&place, row.tenant_id.as_deref(), &marks::uid(row)).await? {
            Some(there) => projects::delete(&place.cloud, &there).await,
            None => Ok(()),
        }
    }
}

impl SyncControllerSlices {
    /// Finds projects of one controller that are not as they were left, or from which the Synchronizer's
    /// user was shut out. Quotas are not listed: Nova answers them one by one.
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerSlice>,
    ) -> StepResult {
        let place = self.clouds.place(cx, controller).await?;
        let there: HashMap<_, _> = projects::all(&place)
            .await?
            .into_iter()
            .map(|project| (project.id.clone(), project))
            .collect();
        let own = own_grants(&place.cloud).await.map_err(CloudError::into_step_error)?;
        let mut rows = Live::<ControllerSlice>::of(controller);
        while let Some(page) = rows.next(cx).await? {
            let slices = live::by_id(cx, page.iter().map(|row| row.slice_id)).await?;
            let news = |row: &&ControllerSlice| {
                let project = row.tenant_id.as_ref().and_then(|id| there.get(id));
                let settled =
                    project.zip(slices.get(&row.slice_id.raw())).is_some_and(|(project, slice)| {
                        own.contains(&project.id)
                            && wanted(cx, row, slice).difference(project).is_none()
                    });
                is_news(&row.bookkeeping, settled)
            };
            pending.sync_again(page.iter().filter(news).map(ControllerSlice::id)).await?;
        }
        Ok(())
    }
}

/// Gives our own user its role in the project, unless it has it.
async fn take_part(place: &Place, project: &str) -> Result<(), StepError> {
    let cloud = &place.cloud;
    let user_id = cloud.identity().await.map_err(CloudError::into_step_error)?.user_id;
    let query = AssignmentQuery {
        user_id: Some(user_id.clone()),
        project_id: Some(project.to_owned()),
        ..AssignmentQuery::default()
    };
    let has = cloud.assignments(&query).await.map_err(CloudError::into_step_error)?;
    // Whichever role it is: an operator may have chosen another one.
    if !has.is_empty() {
        return Ok(());
    }
    let role_id = grants::role(place, OWN_ROLE).await?;
    let grant = Assignment { role_id, user_id, project_id: project.to_owned() };
    cloud.grant(&grant).await.map_err(CloudError::into_step_error)
}

/// The projects in which our own user has a role.
async fn own_grants(cloud: &Cloud) -> Result<HashSet<String>, CloudError> {
    let user_id = Some(cloud.identity().await?.user_id);
    let query = AssignmentQuery { user_id, ..AssignmentQuery::default() };
    Ok(cloud.assignments(&query).await?.into_iter().map(|grant| grant.project_id).collect())
}

/// Sets how many servers there may be, unless it is so.
async fn allow(cloud: &Cloud, project: &str, servers: i32) -> Result<(), CloudError> {
    let instances = Some(i64::from(servers));
    if cloud.compute_quota(project).await?.instances != instances {
        let quota = ComputeQuota { instances, ..ComputeQuota::default() };
        cloud.set_compute_quota(project, &quota).await?;
    }
    Ok(())
}

fn wanted(cx: &Context, row: &ControllerSlice, slice: &Slice) -> projects::Wanted {
    projects::Wanted {
        name: slice.name.clone(),
        description: slice.description.clone().unwrap_or_default(),
        enabled: slice.enabled,
        tags: marks::tags(cx, row),
        mark: marks::uid(row),
        origin: "the slice's `name`",
    }
}
