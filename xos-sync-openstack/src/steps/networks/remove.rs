//! Taking networks down, in the order that Neutron wants.

use xos_sync_core::{
    Context, Outcome, Reason, Row, StepError, StepResult, models::ControllerNetwork,
};

use super::find;
use crate::client::{Cloud, Network, Port};
use crate::steps::answers::{gone, patient};

/// Removes routers, subnets and networks of a row, if nothing else is connected with them.
pub(super) async fn remove(
    cloud: &Cloud,
    cx: &Context,
    row: &Row<ControllerNetwork>,
) -> StepResult {
    let networks = find::networks(cloud, cx, row).await?;
    let routers = find::routers(cloud, cx, row).await?;
    let mut ports = Vec::new();
    for network in &networks {
        ports.extend(find::ports(cloud, &network.id).await?);
    }
    let foreign = |port: &&Port| {
        let of_neutron =
            ["network:dhcp", "network:distributed"].contains(&port.device_owner.as_str());
        !of_neutron && !routers.iter().any(|router| router.id == port.device_id)
    };
    let others: Vec<_> = ports.iter().filter(foreign).collect();
    if let Some(port) = others.first() {
        let device = match port.device_id.as_str() {
            "" => String::new(),
            id => format!(", of {} {id}", port.device_owner),
        };
        return Ok(patient(
            row,
            Reason::CONFLICT,
            format!(
                "waiting until nothing is connected with the network {}: {} ports are, such as {}{device}",
                port.network_id,
                others.len(),
                port.id
            ),
        ));
    }
    for found in &routers {
        router(cloud, &found.id, &ports).await?;
    }
    for found in &networks {
        network(cloud, found).await?;
    }
    Ok(Outcome::Done)
}

/// Removes a router from the subnets of these of its ports, and deletes it.
pub(super) async fn router(cloud: &Cloud, router: &str, ports: &[Port]) -> Result<(), StepError> {
    for port in ports.iter().filter(|port| port.device_id == router) {
        for subnet in port.fixed_ips.iter().filter_map(|address| address.subnet_id.as_ref()) {
            gone(cloud.remove_interface(router, subnet).await)?;
        }
    }
    gone(cloud.delete_router(router).await)
}

/// Deletes a network's subnets, and it.
pub(super) async fn network(cloud: &Cloud, network: &Network) -> Result<(), StepError> {
    for subnet in &network.subnets {
        gone(cloud.delete_subnet(subnet).await)?;
    }
    gone(cloud.delete_network(&network.id).await)
}
