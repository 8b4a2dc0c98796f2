//! The availability zones of the region.

use std::collections::BTreeSet;

use xos_sync_core::StepError;

use super::told;
use crate::client::Ec2;

/// The names of the zones that the account can use.
pub(super) async fn offered(ec2: &Ec2) -> Result<BTreeSet<String>, StepError> {
    let zones = ec2.describe_availability_zones().await.map_err(told)?;
    Ok(zones.into_iter().map(|zone| zone.zone_name).collect())
}

/// An error unless the zone is offered.
pub(super) async fn check(ec2: &Ec2, zone: &str) -> Result<(), StepError> {
    let zones = offered(ec2).await?;
    if zones.contains(zone) {
        return Ok(());
    }
    let names: Vec<_> = zones.into_iter().collect();
    Err(StepError::terminal(format!(
        "zone {zone} is no longer offered by EC2 in region {} (it offers {}): move what is there to another \
         zone, or run the Synchronizer in the zone's own region",
        ec2.region(),
        names.join(", "),
    )))
}
