//! Noticing what happened to networks behind our back.

use std::collections::{BTreeSet, HashMap, HashSet};

use xos_sync_core::{
    Context, Id, Model, Pending, Row, StepError,
    models::{Controller, ControllerNetwork, Network, NetworkTemplate},
};

use super::goal::{Shared, WayOut};
use super::router::NO_EXTERNAL_NETWORK;
use crate::Clouds;
use crate::client::{
    Cloud, CloudError, Network as Found, NetworkQuery, Router, RouterQuery, Subnet, SubnetQuery,
};
use crate::steps::answers::found;
use crate::steps::marks;
use crate::steps::ports::on_networks;
use crate::steps::scope::{controllers, first_error, list as keys, rows};

/// Rows that are in line, as far as we know.
const SETTLED: &str = "NOT no_sync AND net_id IS NOT NULL AND enacted >= updated";

/// Notes each row whose network is not as it was left. Four listings a controller, and one for each fifty
/// networks that have a way out.
pub(super) async fn list(
    clouds: &Clouds,
    cx: &Context,
    pending: &mut Pending<ControllerNetwork>,
) -> Result<(), StepError> {
    let mut errors = Vec::new();
    for controller in controllers(cx).await? {
        // The rows first: what is made meanwhile is never taken for missing.
        let settled = format!("controller_id = {} AND {SETTLED}", controller.id.raw());
        let settled = rows::<ControllerNetwork>(cx, settled).await?;
        let listed = match clouds.of(cx, controller.id).await {
            Ok(cloud) => changed(&cloud, cx, &settled).await,
            Err(error) => Err(error),
        };
        match listed {
            Ok(changed) => pending.sync_again(changed).await?,
            Err(error) => errors.push(error),
        }
        if let Err(error) = opened(clouds, cx, controller.id, pending).await {
            errors.push(error);
        }
    }
    first_error(errors)
}

/// The rows whose network is not as it was left.
async fn changed(
    cloud: &Cloud,
    cx: &Context,
    settled: &[Row<ControllerNetwork>],
) -> Result<Vec<Id<ControllerNetwork>>, StepError> {
    if settled.is_empty() {
        return Ok(Vec::new());
    }
    let of_rows = keys(settled.iter().map(|row| row.network_id));
    let networks = rows::<Network>(cx, format!("id IN ({of_rows})")).await?;
    let networks: HashMap<_, _> = networks.into_iter().map(|it| (it.id.raw(), it)).collect();
    let templates = rows::<NetworkTemplate>(cx, "id IS NOT NULL".to_owned()).await?;
    let templates: HashMap<_, _> = templates.into_iter().map(|it| (it.id.raw(), it)).collect();
    let there = There::list(cloud, cx, settled).await?;
    let mut changed = Vec::new();
    let mut shared_there = HashMap::new();
    for row in settled {
        let Some(network) = networks.get(&row.network_id.raw()) else { continue };
        let Some(template) = templates.get(&network.template_id.raw()) else { continue };
        let as_left = if Shared::of(template.clone().into_object()).is_some() {
            let id = row.net_id.clone().unwrap_or_default();
            match shared_there.get(&id) {
                Some(known) => *known,
                None => {
                    let known = found(cloud.network(&id).await)?
                        .is_some_and(|it| !it.description.starts_with(marks::UID));
                    *shared_there.entry(id).or_insert(known)
                }
            }
        } else {
            there.is_as_left(row, network, WayOut::of(template))
        };
        if !as_left {
            changed.push(row.id());
        }
    }
    Ok(changed)
}

/// What a cloud has of ours.
struct There {
    networks: HashMap<String, Found>,
    subnets: HashMap<String, Subnet>,
    routers: HashMap<String, Router>,
    /// Routers and the networks that they have a port in.
    connected: HashSet<(String, String)>,
}

impl There {
    async fn list(
        cloud: &Cloud,
        cx: &Context,
        rows: &[Row<ControllerNetwork>],
    ) -> Result<Self, StepError> {
        let told = CloudError::into_step_error;
        let tag = Some(marks::synchronizer(cx));
        let query = NetworkQuery { tag: tag.clone(), ..NetworkQuery::default() };
        let networks = cloud.networks(&query).all().await.map_err(told)?;
        let query = SubnetQuery { tag: tag.clone(), ..SubnetQuery::default() };
        let subnets = cloud.subnets(&query).all().await.map_err(told)?;
        let routed = rows.iter().filter(|row| row.router_id.is_some());
        let routed: BTreeSet<_> = routed.filter_map(|row| row.net_id.clone()).collect();
        let (mut routers, mut connected) = (Vec::new(), HashSet::new());
        if !routed.is_empty() {
            let query = RouterQuery { tag, ..RouterQuery::default() };
            routers = cloud.routers(&query).all().await.map_err(told)?;
            let ports = on_networks(cloud, routed).await?;
            connected.extend(ports.into_iter().map(|port| (port.device_id, port.network_id)));
        }
        Ok(Self {
            networks: networks.into_iter().map(|it| (it.id.clone(), it)).collect(),
            subnets: subnets.into_iter().map(|it| (it.id.clone(), it)).collect(),
            routers: routers.into_iter().map(|it| (it.id.clone(), it)).collect(),
            connected,
        })
    }

    fn is_as_left(&self, row: &Row<ControllerNetwork>, network: &Network, way_out: WayOut) -> bool {
        let of = |id: &Option<String>| id.clone().unwrap_or_default();
        let net_id = of(&row.net_id);
        let named = self.networks.get(&net_id).is_some_and(|it| it.name == network.name);
        let ranged = self
            .subnets
            .get(&of(&row.subnet_id))
            .is_some_and(|it| it.network_id == net_id && row.subnet.as_ref() == Some(&it.cidr));
        let led = match way_out {
            WayOut::Closed => row.router_id.is_none(),
            WayOut::Router => {
                let id = of(&row.router_id);
                let open = |it: &Router| it.external_network_id().is_some();
                self.routers.get(&id).is_some_and(open) && self.connected.contains(&(id, net_id))
            }
        };
        named && ranged && led
    }
}

/// Notes the rows that found no external network, once there is one.
async fn opened(
    clouds: &Clouds,
    cx: &Context,
    controller: Id<Controller>,
    pending: &mut Pending<ControllerNetwork>,
) -> Result<(), StepError> {
    let stuck = format!(
        "controller_id = {} AND backend_class = 'terminal' AND backend_reason = '{NO_EXTERNAL_NETWORK}'",
        controller.raw()
    );
    let stuck = rows::<ControllerNetwork>(cx, stuck).await?;
    if stuck.is_empty() {
        return Ok(());
    }
    let query = NetworkQuery { external: Some(true), ..NetworkQuery::default() };
    let cloud = clouds.of(cx, controller).await?;
    let outside = cloud.networks(&query).all().await.map_err(|it| it.into_step_error())?;
    if !outside.is_empty() {
        pending.sync_again(stuck.iter().map(|row| row.id())).await?;
    }
    Ok(())
}
