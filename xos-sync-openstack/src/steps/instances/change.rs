//! Changes that take the cloud some time: another flavor, another image.

use xos_sync_core::{Row, StepError, StepResult, models::Instance};

use super::flavor;
use super::goal::{Goal, IMAGE};
use crate::ImageChange;
use crate::client::{Cloud, CloudError, ErrorKind, Server};
use crate::steps::answers::wait;

/// What stands in the reason for waiting while a resize is under way.
const RESIZING: &str = "resizing server";

/// Begins to give the server another flavor; what to wait for then.
pub(super) async fn flavor(
    cloud: &Cloud,
    goal: &Goal,
    row: &Row<Instance>,
    there: &Server,
) -> Result<Option<StepError>, StepError> {
    let (id, name) = (&there.id, &goal.flavor);
    if there.flavor_name() == name {
        return Ok(None);
    }
    let kept = row.bookkeeping();
    let waited = kept.backend_class.as_deref() == Some("deferred")
        && kept.backend_status.as_ref().is_some_and(|it| it.contains(RESIZING));
    if waited {
        // Nova gives no reason when a server goes back to what it was.
        return Err(StepError::transient(format!(
            "the cloud did not make the server {id} a {name}, as it was asked to: perhaps no host has room for it; \
             it tries again by itself"
        )));
    }
    let flavor = flavor::id_of(cloud, name).await?;
    cloud.resize_server(id, &flavor).await.map_err(CloudError::into_step_error)?;
    Ok(Some(wait(format!("{RESIZING} {id} to {name}"), 1)))
}

/// Confirms a resize, or takes one back that is not wanted any more; what to wait for then.
pub(super) async fn verify(
    cloud: &Cloud,
    goal: &Goal,
    there: &Server,
) -> Result<StepError, StepError> {
    let (id, name) = (&there.id, there.flavor_name());
    if name == goal.flavor {
        done_or_under_way(cloud.confirm_resize(id).await)?;
        return Ok(wait(format!("confirming that server {id} is now a {name}"), 1));
    }
    done_or_under_way(cloud.revert_resize(id).await)?;
    Ok(wait(format!("taking back that server {id} became a {name}"), 1))
}

/// For some moments after it was asked, Nova shows the server as before, and refuses to be asked again.
fn done_or_under_way(answer: Result<(), CloudError>) -> StepResult {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Conflict) => Ok(()),
        other => other.map_err(CloudError::into_step_error),
    }
}

/// Begins to make the server anew of another image, where that is asked for; what to wait for then.
pub(super) async fn image(
    cloud: &Cloud,
    goal: &Goal,
    image_change: ImageChange,
    there: &Server,
) -> Result<Option<StepError>, StepError> {
    let id = &there.id;
    // A copy that was lost and made again has another id, but is of the same image.
    let same_row = there.metadata.get(IMAGE).is_some_and(|uid| *uid == goal.image_uid);
    if same_row || there.image_id().is_none_or(|image| image == goal.image) {
        return Ok(None);
    }
    match image_change {
        ImageChange::Rebuild => {
            cloud.rebuild_server(id, &goal.image).await.map_err(CloudError::into_step_error)?;
            Ok(Some(wait(format!("making server {id} anew of image {}", goal.image_name), 1)))
        }
        ImageChange::Refuse => Err(StepError::terminal(format!(
            "the server {id} was made of another image than {}, and to change that would lose its disk: delete this \
             instance and add another one, or undo the change, or have the Synchronizer rebuild servers \
             ({}=rebuild)",
            goal.image_name,
            ImageChange::VARIABLE
        ))),
    }
}
