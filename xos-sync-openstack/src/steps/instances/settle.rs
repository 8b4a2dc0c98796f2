//! From the server that is there to the one that should be.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use chrono::DateTime;
use xos_sync_core::{
    Context, Outcome, Reason, Row, StepError, StepResult, models::Instance, ready,
};

use super::goal::Goal;
use super::{change, networks};
use crate::ImageChange;
use crate::client::{Cloud, CloudError, Server, ServerChange, ServerStatus};
use crate::steps::answers::{growing, wait};
use crate::steps::scope::lacks;

/// Changes what can be changed, one thing a call where the cloud needs time for it.
pub(super) async fn settle(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    image_change: ImageChange,
    row: &mut Row<Instance>,
    there: &Server,
) -> StepResult {
    let id = &there.id;
    if let Some(task) = &there.task_state {
        return Ok(younger(format!("waiting for server {id}, which is {task}"), there));
    }
    match &there.status {
        ServerStatus::Active => {}
        ServerStatus::Shutoff => {
            cloud.start_server(id).await.map_err(CloudError::into_step_error)?;
            let message = format!("starting server {id}, which was off");
            return Ok(wait(Reason::WAITING_FOR_CREATION, message, 1));
        }
        ServerStatus::VerifyResize => return change::verify(cloud, goal, there).await,
        ServerStatus::Other(status) => {
            return Err(StepError::transient(format!(
                "the server {id} is {status}, which somebody wanted: resume it on the cloud, or delete the instance; \
                 it tries again by itself"
            )));
        }
        status => {
            return Ok(younger(format!("waiting for server {id}, which is {status:?}"), there));
        }
    }
    ready!(change::image(cloud, goal, image_change, there).await?);
    marks_and_name(cloud, goal, row, there).await?;
    ready!(change::flavor(cloud, goal, row, there).await?);
    row.instance_name = Some(row.name.clone());
    row.backend_flavor = Some(goal.flavor.clone());
    row.backend_image = there.image_id().map(str::to_owned);
    networks::settle(cloud, cx, goal, row, id).await
}

async fn marks_and_name(
    cloud: &Cloud,
    goal: &Goal,
    row: &Row<Instance>,
    there: &Server,
) -> Result<(), StepError> {
    if lacks(&goal.tags, &there.tags) {
        let tags: Vec<_> = goal.tags.iter().map(String::as_str).collect();
        cloud.set_server_tags(&there.id, &tags).await.map_err(CloudError::into_step_error)?;
    }
    let differs = |(key, value): &(&String, &String)| there.metadata.get(*key) != Some(value);
    let differing: BTreeMap<_, _> = goal
        .metadata
        .iter()
        .filter(differs)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !differing.is_empty() {
        let set = cloud.set_server_metadata(&there.id, &differing).await;
        set.map_err(CloudError::into_step_error)?;
    }
    if there.name != row.name {
        let change = ServerChange { name: Some(row.name.clone()), description: None };
        cloud.update_server(&there.id, &change).await.map_err(CloudError::into_step_error)?;
    }
    Ok(())
}

/// Looks again soon while the server is young, and less often later.
fn younger(message: String, there: &Server) -> Outcome {
    let made = DateTime::parse_from_rfc3339(&there.created).map(SystemTime::from).ok();
    let age = made.and_then(|made| SystemTime::now().duration_since(made).ok());
    // An old server that is busy was changed just now.
    let age = age.filter(|age| *age < Duration::from_secs(600)).unwrap_or(Duration::from_secs(8));
    growing(Reason::WAITING_FOR_CHANGE, message, age)
}
