//! Importing the ports that instances have by themselves, and noticing what happened to all of them.

use std::collections::{HashMap, HashSet};

use xos_sync_core::{
    Context, Id, Pending, Row, StepError,
    models::{Controller, ControllerNetwork, Instance, Network, NewPort, Port},
};

use super::{address_of, is_made_for_a_row, on_networks};
use crate::client::{Cloud, Port as Found};
use crate::steps::instances;
use crate::steps::scope::{
    controllers, first_error, list as keys, networks_of, rows, rows_and_deleted,
};
use crate::{BACKEND_TYPE, Clouds};

/// Adds a row for each port of an instance that has none, and notes each row whose port is not as it was
/// left. One listing for each fifty networks of a controller.
pub(super) async fn list(
    clouds: &Clouds,
    cx: &Context,
    pending: &mut Pending<Port>,
) -> Result<(), StepError> {
    let mut errors = Vec::new();
    for controller in controllers(cx).await? {
        let done = match clouds.of(cx, controller.id).await {
            Ok(cloud) => compare(&cloud, cx, controller.id, pending).await,
            Err(error) => Err(error),
        };
        errors.extend(done.err());
    }
    first_error(errors)
}

async fn compare(
    cloud: &Cloud,
    cx: &Context,
    controller: Id<Controller>,
    pending: &mut Pending<Port>,
) -> Result<(), StepError> {
    let known = Known::read(cx, controller).await?;
    let networks: HashSet<_> = known.networks.iter().filter_map(|it| it.net_id.clone()).collect();
    if networks.is_empty() {
        return Ok(());
    }
    let ports = on_networks(cloud, networks).await?;
    pending.sync_again(known.changed(&ports)).await?;
    pending.add(known.missing(cx, &ports).await?).await?;
    Ok(())
}

/// The rows of one controller, read before its ports are listed.
struct Known {
    networks: Vec<Row<ControllerNetwork>>,
    instances: HashMap<String, Row<Instance>>,
    ports: Vec<Row<Port>>,
    /// Networks whose ports without instance are on an earlier controller.
    elsewhere: HashSet<Id<Network>>,
}

impl Known {
    async fn read(cx: &Context, controller: Id<Controller>) -> Result<Self, StepError> {
        let networks = format!("controller_id = {} AND net_id IS NOT NULL", controller.raw());
        let networks = rows_and_deleted::<ControllerNetwork>(cx, networks).await?;
        let on_it = instances::on_controller(controller);
        let instances = format!("instance_id IS NOT NULL AND {on_it}");
        let instances = rows::<Instance>(cx, instances).await?;
        let of_networks = keys(networks.iter().map(|it| it.network_id));
        let ports = rows_and_deleted::<Port>(cx, format!("network_id IN ({of_networks})")).await?;
        let server = |it: Row<Instance>| Some((it.instance_id.clone()?, it));
        let earlier = format!(
            "controller_id < {controller} AND network_id IN ({of_networks}) AND controller_id IN (SELECT c.id \
             FROM controllers AS c WHERE c.backend_type = '{BACKEND_TYPE}')",
            controller = controller.raw()
        );
        let earlier = rows_and_deleted::<ControllerNetwork>(cx, earlier).await?;
        Ok(Self {
            networks,
            instances: instances.into_iter().filter_map(server).collect(),
            ports,
            elsewhere: earlier.into_iter().map(|it| it.network_id).collect(),
        })
    }

    /// Settled rows whose port is gone, elsewhere, or has other addresses.
    fn changed(&self, ports: &[Found]) -> Vec<Id<Port>> {
        let there: HashMap<_, _> = ports.iter().map(|port| (port.id.as_str(), port)).collect();
        let servers: HashMap<_, _> =
            self.instances.iter().map(|(server, it)| (it.id, server.as_str())).collect();
        let of_others = |row: &Row<Port>| match row.instance_id {
            Some(instance) => !servers.contains_key(&instance),
            None => self.elsewhere.contains(&row.network_id),
        };
        let as_left = |row: &Row<Port>| {
            let id = row.port_id.as_deref().unwrap_or_default();
            let server = row.instance_id.and_then(|id| servers.get(&id).copied());
            there.get(id).is_some_and(|port| {
                address_of(port) == row.ip
                    && Some(&port.mac_address) == row.mac.as_ref()
                    && server.is_none_or(|server| server == port.device_id)
            })
        };
        let settled = self.ports.iter().filter(|row| {
            let kept = row.bookkeeping();
            !kept.deleted && !kept.no_sync && !kept.is_pending() && row.port_id.is_some()
        });
        settled.filter(|row| !of_others(row) && !as_left(row)).map(|row| row.id).collect()
    }

    /// Rows for the ports of instances that have none.
    async fn missing(&self, cx: &Context, ports: &[Found]) -> Result<Vec<NewPort>, StepError> {
        let mut taken: HashSet<_> = self
            .ports
            .iter()
            .filter_map(|row| Some((row.instance_id?.raw(), row.network_id.raw())))
            .collect();
        let mut missing = Vec::new();
        for port in ports.iter().filter(|port| !is_made_for_a_row(port)) {
            let Some(instance) = self.instances.get(&port.device_id) else { continue };
            let Some(network) = self.network_of(cx, instance, &port.network_id).await? else {
                continue;
            };
            if taken.insert((instance.id.raw(), network.raw())) {
                missing.push(NewPort {
                    instance_id: Some(instance.id),
                    ip: address_of(port),
                    port_id: Some(port.id.clone()),
                    mac: Some(port.mac_address.clone()),
                    ..NewPort::new(network)
                });
            }
        }
        Ok(missing)
    }

    /// Several rows may stand for one shared network: the one that the instance's slice is on.
    async fn network_of(
        &self,
        cx: &Context,
        instance: &Row<Instance>,
        net_id: &str,
    ) -> Result<Option<Id<Network>>, StepError> {
        let live = |it: &&Row<ControllerNetwork>| {
            it.net_id.as_deref() == Some(net_id) && !it.bookkeeping().deleted
        };
        let fitting: Vec<_> = self.networks.iter().filter(live).collect();
        if let [only] = fitting.as_slice() {
            return Ok(Some(only.network_id));
        }
        let Some(first) = fitting.first() else { return Ok(None) };
        let joined = networks_of(cx, instance.slice_id, first.controller_id).await?;
        let is_joined = |it: &&&Row<ControllerNetwork>| {
            joined.iter().any(|joined| joined.network.id == it.network_id)
        };
        Ok(fitting.iter().find(is_joined).map(|it| it.network_id))
    }
}
