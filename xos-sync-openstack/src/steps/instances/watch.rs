//! Noticing what happened to servers behind our back, and what changed around them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use xos_sync_core::{
    Context, Id, Pending, Row, StepError,
    models::{Controller, Instance},
};

use super::networks;
use crate::Clouds;
use crate::client::{Cloud, CloudError, Port, Server, ServerQuery, ServerStatus};
use crate::steps::marks;
use crate::steps::ports::on_networks;
use crate::steps::scope::{Joined, controllers, first_error, networks_of, rows};

/// The condition for instances that a controller runs.
pub(in crate::steps) fn on_controller(controller: Id<Controller>) -> String {
    format!(
        "isolation = 'vm' AND node_id IN (SELECT n.id FROM nodes AS n JOIN site_deployments AS l ON l.id = \
         n.site_deployment_id WHERE l.controller_id = {})",
        controller.raw()
    )
}

/// Notes each row whose server is gone, off, not what it was left as, there twice, or not on the networks of
/// its slice. A controller's servers are listed a hundred at a time, and the ports of its networks.
pub(super) async fn list(
    clouds: &Clouds,
    cx: &Context,
    pending: &mut Pending<Instance>,
) -> Result<(), StepError> {
    let mut errors = Vec::new();
    for controller in controllers(cx).await? {
        let changed = match clouds.of(cx, controller.id).await {
            Ok(cloud) => changed(&cloud, cx, controller.id).await,
            Err(error) => Err(error),
        };
        match changed {
            Ok(changed) => pending.sync_again(changed).await?,
            Err(error) => errors.push(error),
        }
    }
    first_error(errors)
}

async fn changed(
    cloud: &Cloud,
    cx: &Context,
    controller: Id<Controller>,
) -> Result<Vec<Id<Instance>>, StepError> {
    // The rows first: what is made meanwhile is never taken for missing.
    let settled = format!(
        "NOT no_sync AND instance_id IS NOT NULL AND enacted >= updated AND {}",
        on_controller(controller)
    );
    let settled = rows::<Instance>(cx, settled).await?;
    if settled.is_empty() {
        return Ok(Vec::new());
    }
    let known = networks::known(cx, controller).await?;
    let servers = Servers::list(cloud, cx).await?;
    let mut ports: HashMap<String, Vec<Port>> = HashMap::new();
    for port in on_networks(cloud, known.iter().cloned()).await? {
        ports.entry(port.device_id.clone()).or_default().push(port);
    }
    let mut wanted: HashMap<i64, Vec<String>> = HashMap::new();
    let mut changed = Vec::new();
    for row in &settled {
        let wanted = match wanted.entry(row.slice_id.raw()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let joined = networks_of(cx, row.slice_id, controller).await?;
                new.insert(joined.iter().filter_map(Joined::ready).cloned().collect())
            }
        };
        let plugs = ports.get(row.instance_id.as_deref().unwrap_or_default());
        let plugs = plugs.map_or(&[][..], Vec::as_slice);
        if !servers.is_as_left(row) || !is_connected(wanted, plugs, &known) {
            changed.push(row.id);
        }
    }
    Ok(changed)
}

fn is_connected(wanted: &[String], ports: &[Port], known: &HashSet<String>) -> bool {
    let (lacking, surplus) = networks::differences(wanted, ports, known);
    lacking.is_empty() && surplus.is_empty()
}

/// What a cloud has of ours.
struct Servers {
    by_id: HashMap<String, Server>,
    /// How many there are with a uid's tag.
    by_mark: HashMap<String, usize>,
}

impl Servers {
    async fn list(cloud: &Cloud, cx: &Context) -> Result<Self, StepError> {
        let query = ServerQuery {
            tag: Some(marks::synchronizer(cx)),
            all_projects: Some(true),
            ..ServerQuery::default()
        };
        let (mut by_id, mut by_mark) = (HashMap::new(), HashMap::new());
        let mut pages = cloud.servers(&query);
        while let Some(page) = pages.next().await.map_err(CloudError::into_step_error)? {
            for server in page {
                for mark in server.tags.iter().filter(|tag| tag.starts_with(marks::UID)) {
                    *by_mark.entry(mark.clone()).or_default() += 1;
                }
                by_id.insert(server.id.clone(), server);
            }
        }
        Ok(Self { by_id, by_mark })
    }

    fn is_as_left(&self, row: &Row<Instance>) -> bool {
        let there = self.by_id.get(row.instance_id.as_deref().unwrap_or_default());
        let as_left = |there: &Server| {
            let address = row.ip.as_deref();
            there.status == ServerStatus::Active
                && there.name == row.name
                && Some(there.flavor_name()) == row.backend_flavor.as_deref()
                && address.is_none_or(|ip| there.addresses().any(|(_, address)| address == ip))
        };
        there.is_some_and(as_left) && self.by_mark.get(&marks::uid(row)) == Some(&1)
    }
}
