//! Changes that take the cloud some time: another flavor, another image.

use xos_sync_core::{Reason, Row, StepError, StepResult, models::Instance, step::Ready};

use super::flavor;
use super::goal::{Goal, IMAGE};
use crate::ImageChange;
use crate::client::{Cloud, CloudError, ErrorKind, Server};
use crate::steps::answers::wait;

/// A resize is under way.
const RESIZING: Reason = Reason::new("ResizingServer");

/// Begins to give the server another flavor; what to wait for then.
pub(super) async fn flavor(
    cloud: &Cloud,
    goal: &Goal,
    row: &Row<Instance>,
    there: &Server,
) -> Result<Ready<()>, StepError> {
    let (id, name) = (&there.id, &goal.flavor);
    if there.flavor_name() == name {
        return Ok(Ready::Continue(()));
    }
    if row.bookkeeping().backend_reason == Some(RESIZING) {
        // Nova gives no reason when a server goes back to what it was.
        return Err(StepError::transient(format!(
            "the cloud did not make the server {id} a {name}, as it was asked to: perhaps no host has room for it; \
             it tries again by itself"
        )));
    }
    let flavor = flavor::id_of(cloud, name).await?;
    cloud.resize_server(id, &flavor).await.map_err(CloudError::into_step_error)?;
    Ok(wait(RESIZING, format!("resizing server {id} to {name}"), 1).into())
}

/// Confirms a resize, or takes one back that is not wanted any more; what to wait for then.
pub(super) async fn verify(cloud: &Cloud, goal: &Goal, there: &Server) -> StepResult {
    let (id, name) = (&there.id, there.flavor_name());
    if name == goal.flavor {
        done_or_under_way(cloud.confirm_resize(id).await)?;
        let message = format!("confirming that server {id} is now a {name}");
        return Ok(wait(Reason::WAITING_FOR_CHANGE, message, 1));
    }
    done_or_under_way(cloud.revert_resize(id).await)?;
    let message = format!("taking back that server {id} became a {name}");
    Ok(wait(Reason::WAITING_FOR_CHANGE, message, 1))
}

/// For some moments after it was asked, Nova shows the server as before, and refuses to be asked again.
fn done_or_under_way(answer: Result<(), CloudError>) -> Result<(), StepError> {
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
) -> Result<Ready<()>, StepError> {
    let id = &there.id;
    // A copy that was lost and made again has another id, but is of the same image.
    let same_row = there.metadata.get(IMAGE).is_some_and(|uid| *uid == goal.image_uid);
    if same_row || there.image_id().is_none_or(|image| image == goal.image) {
        return Ok(Ready::Continue(()));
    }
    match image_change {
        ImageChange::Rebuild => {
            cloud.rebuild_server(id, &goal.image).await.map_err(CloudError::into_step_error)?;
            let message = format!("making server {id} anew of image {}", goal.image_name);
            Ok(wait(Reason::WAITING_FOR_CHANGE, message, 1).into())
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
