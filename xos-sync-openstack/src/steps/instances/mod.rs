//! The servers.

mod change;
mod flavor;
mod goal;
mod launch;
mod lookup;
mod networks;
mod settle;
mod watch;

use xos_sync_core::{
    Context, Outcome, Pending, Reason, Row, StepError, StepResult, SyncStep, models::Instance,
    ready, sync_step,
};

use super::answers::{gone, patient};
use super::scope;
use crate::client::{Cloud, Server, ServerStatus};
use crate::{Clouds, ImageChange};
use goal::Goal;
use lookup::Found;

pub(super) use watch::on_controller;

/// Keeps one Nova server for each row, in the project of its slice.
///
/// - **Which.** The one that carries the row's uid as a tag. If there are several, the recorded or else the
///   oldest stays and the others are deleted.
/// - **What.** Flavor: the row's, else the slice's default one, else the one that `is_default`. Image: the
///   row's. Host: the node's; it counts when the server is made: a resize moves it in most clouds, to where
///   Nova chooses, and operators may move it later. Key pair: `xos-` and the creator's uid, when they have a
///   public key. User data count at the first boot only.
/// - **Networks.** All of the slice: those that it owns and that connect by themselves, and those that it
///   has joined. A server that runs is connected and taken off as they change.
/// - **Changes.** Name, tags and metadata are changed in place; another flavor is a resize, which is
///   confirmed. Another image is an error which says what to do, or a rebuild: see [`ImageChange`]. A server
///   that is off is started.
/// - **Waiting.** While the cloud works, the row waits without holding up others.
/// - **Failures.** A server that goes to ERROR before it ever ran is deleted, the cloud's reason is said, and
///   another one is made after a growing wait. One that has run is left for somebody to look at.
/// - **Deletion.** All that carries the uid is deleted, and must be gone. To take an instance off a cloud,
///   delete its row: one whose `node_id` is changed to another cloud's leaves its server behind.
///
/// Of the backend columns, `instance_id` and `instance_uuid` are Nova's id, `instance_name` is the name that
/// it has there since it ran first, `ip` its address in the first of its networks, `backend_flavor` and
/// `backend_image` are what it was made with, as a name and an id.
#[sync_step(
    provides = Instance,
    interval = 60,
    concurrency = 16,
    only = "instances.isolation = 'vm' AND instances.node_id IN (SELECT n.id FROM nodes AS n \
            JOIN site_deployments AS l ON l.id = n.site_deployment_id \
            JOIN controllers AS c ON c.id = l.controller_id WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncInstances {
    clouds: Clouds,
    image_change: ImageChange,
}

impl SyncStep for SyncInstances {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Instance>) -> StepResult {
        watch::list(&self.clouds, cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<Instance>) -> StepResult {
        let controller = scope::controller_of(cx, row).await?;
        let goal = ready!(Goal::read(cx, row, controller).await?);
        let cloud = self.clouds.of(cx, controller).await?.in_project(&goal.project);
        let found = Found::look(&cloud, row).await?;
        for surplus in &found.surplus {
            tracing::warn!(kept = ?found.kept.as_ref().map(|kept| &kept.id), surplus = %surplus.id,
                "deleting a server too many for {}", row.object_ref());
            gone(cloud.delete_server(&surplus.id).await)?;
        }
        let Some(there) = found.kept else {
            lookup::forget(row);
            return launch::launch(&cloud, cx, &goal, row).await;
        };
        if row.instance_id.as_ref() != Some(&there.id) {
            lookup::forget(row);
            launch::adopt(row, there.id.clone());
            cx.save(row).await?;
        }
        if there.status == ServerStatus::Error {
            return failed(&cloud, row, &there).await;
        }
        settle::settle(&cloud, cx, &goal, self.image_change, row, &there).await
    }

    async fn delete_record(&self, cx: &Context, row: &Row<Instance>) -> StepResult {
        let controller = scope::controller_of(cx, row).await?;
        // Not in the project, which may be gone already.
        let cloud = self.clouds.of(cx, controller).await?;
        let found = Found::anywhere(&cloud, row).await?;
        let all: Vec<_> = found.kept.iter().chain(&found.surplus).collect();
        for server in &all {
            gone(cloud.delete_server(&server.id).await)?;
        }
        match all.first().copied().or(found.leaving.as_ref()) {
            Some(server) => {
                let message = format!("waiting for the cloud to delete server {}", server.id);
                Ok(patient(row, Reason::WAITING_FOR_DELETION, message))
            }
            None => Ok(Outcome::Done),
        }
    }
}

/// What becomes of a server in the state ERROR: always an error.
async fn failed(cloud: &Cloud, row: &mut Row<Instance>, there: &Server) -> StepResult {
    let (id, why) = (&there.id, there.fault().unwrap_or("the cloud gives no reason"));
    let why = why.trim_end_matches('.');
    if row.instance_name.is_some() {
        return Err(StepError::transient(format!(
            "the server {id}, which has run, is in the state ERROR: {why}; it is left as it is: repair it on the \
             cloud, or delete it there to have another one made"
        )));
    }
    gone(cloud.delete_server(id).await)?;
    lookup::forget(row);
    Err(StepError::transient(format!(
        "the server {id} could not be made: {why}; it is deleted, and another one is made later"
    )))
}
