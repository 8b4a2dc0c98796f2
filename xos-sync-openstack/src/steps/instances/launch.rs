//! Making a server, once.

use xos_sync_core::{Context, Pending, Reason, Row, StepError, StepResult, models::Instance};

use super::flavor;
use super::goal::Goal;
use crate::client::{Attachment, Cloud, CloudError, ErrorKind, NewServer};
use crate::steps::answers::wait;

/// Begins to make the server; what to wait for.
pub(super) async fn launch(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    row: &mut Row<Instance>,
) -> StepResult {
    let wanted = NewServer {
        name: row.name.clone(),
        image_id: goal.image.clone(),
        flavor_id: flavor::id_of(cloud, &goal.flavor).await?,
        networks: goal.networks.iter().cloned().map(Attachment::Network).collect(),
        key_name: goal.key.as_ref().map(|key| key.name.clone()),
        user_data: row.user_data.as_deref().map(Into::into),
        availability_zone: goal.zone.clone(),
        // Not the zone `nova:host`, which passes by the scheduler and its checks.
        host: Some(goal.host.clone()),
        description: None,
        metadata: goal.metadata.clone(),
        tags: goal.tags.clone(),
    };
    let id = match cloud.create_server(&wanted).await {
        Ok(id) => id,
        Err(error) => return Err(refused(cx, goal, error).await),
    };
    adopt(row, id.clone());
    row.backend_flavor = Some(goal.flavor.clone());
    row.backend_image = Some(goal.image.clone());
    cx.save(row).await?;
    tracing::info!(%id, "made a server for {}", row.object_ref());
    let message = format!("waiting for server {id}, which is being made");
    Ok(wait(Reason::WAITING_FOR_CREATION, message, 1))
}

/// Records that the row has this server.
pub(super) fn adopt(row: &mut Row<Instance>, id: String) {
    row.instance_uuid = Some(id.clone());
    row.instance_id = Some(id);
}

/// What to tell when the cloud makes none.
async fn refused(cx: &Context, goal: &Goal, error: CloudError) -> StepError {
    let text = error.message().to_lowercase();
    if error.kind() == ErrorKind::Invalid && text.contains("key_name") {
        if let Some(key) = &goal.key {
            // Whoever took the key pair away: its own step puts it back.
            if let Err(error) = Pending::new(cx.clone()).sync_again([key.account]).await {
                return error.into();
            }
        }
        return StepError::transient(format!("{error}; the key pair is put back first"));
    }
    if error.kind() == ErrorKind::Invalid && text.contains("requires a subnet") {
        return StepError::transient(format!("{error}; the listing of networks puts it back"));
    }
    if error.kind() == ErrorKind::Invalid && text.contains("image") {
        return StepError::transient(format!(
            "{error}; the image {} is not as it should be on the cloud; it tries again by itself",
            goal.image_name
        ));
    }
    if error.kind() == ErrorKind::Invalid && text.contains("host") {
        return StepError::terminal(format!(
            "{error}; the cloud does not take the host {}: choose another `node_id`",
            goal.host
        ));
    }
    error.into_step_error()
}
