//! What a cloud has of a row.

use xos_sync_core::{Context, Row, StepError, models::ControllerNetwork};

use crate::client::{Cloud, Network, NetworkQuery, Port, PortQuery, Router, RouterQuery};
use crate::steps::answers::found;
use crate::steps::marks;
use crate::steps::scope::carries;

/// The networks of a row; first the one that stays.
pub(super) async fn networks(
    cloud: &Cloud,
    cx: &Context,
    row: &Row<ControllerNetwork>,
) -> Result<Vec<Network>, StepError> {
    let mark = Some(marks::description(cx, row));
    let query = NetworkQuery { description: mark, ..NetworkQuery::default() };
    let mut networks = cloud.networks(&query).all().await.map_err(|it| it.into_step_error())?;
    if let Some(id) = &row.net_id
        && !networks.iter().any(|network| network.id == *id)
        && let Some(network) = found(cloud.network(id).await)?
        && carries(row, &network.description, &network.tags)
    {
        networks.push(network);
    }
    networks.sort_by_key(|it| (Some(&it.id) != row.net_id.as_ref(), it.id.clone()));
    Ok(networks)
}

/// The routers of a row; first the one that stays.
pub(super) async fn routers(
    cloud: &Cloud,
    cx: &Context,
    row: &Row<ControllerNetwork>,
) -> Result<Vec<Router>, StepError> {
    let mark = Some(marks::description(cx, row));
    let query = RouterQuery { description: mark, ..RouterQuery::default() };
    let mut routers = cloud.routers(&query).all().await.map_err(|it| it.into_step_error())?;
    if let Some(id) = &row.router_id
        && !routers.iter().any(|router| router.id == *id)
        && let Some(router) = found(cloud.router(id).await)?
        && carries(row, &router.description, &router.tags)
    {
        routers.push(router);
    }
    routers.sort_by_key(|it| (Some(&it.id) != row.router_id.as_ref(), it.id.clone()));
    Ok(routers)
}

/// What is connected with a network.
pub(super) async fn ports(cloud: &Cloud, network: &str) -> Result<Vec<Port>, StepError> {
    let query = PortQuery { network_id: Some(network.to_owned()), ..PortQuery::default() };
    cloud.ports(&query).all().await.map_err(|it| it.into_step_error())
}
