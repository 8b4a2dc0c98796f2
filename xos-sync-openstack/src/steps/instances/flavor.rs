//! Flavors by their names.

use xos_sync_core::StepError;

use crate::client::{Cloud, CloudError};

/// The id of the flavor of this name.
pub(super) async fn id_of(cloud: &Cloud, name: &str) -> Result<String, StepError> {
    let mut pages = cloud.flavors();
    while let Some(page) = pages.next().await.map_err(CloudError::into_step_error)? {
        if let Some(flavor) = page.into_iter().find(|flavor| flavor.name == name) {
            return Ok(flavor.id);
        }
    }
    Err(StepError::terminal(format!(
        "the cloud has no flavor {name}: choose another `flavor_id` for the instance, or the `default_flavor_id` of \
         its slice"
    )))
}
