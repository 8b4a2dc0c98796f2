//! The plugs of instances, and of other things, in networks.

mod plug;
mod watch;

use xos_sync_core::{
    Context, Id, Outcome, Pending, Reason, Row, StepError, StepResult, SyncStep,
    models::{Controller, ControllerNetwork, Instance, Port},
    ready,
    step::Ready,
    sync_step,
};

use super::answers::{found, gone, patient, wait};
use super::{marks, scope};
use crate::Clouds;
use crate::client::{Cloud, CloudError, Port as Found, PortQuery};

/// How many networks are asked about at once: an address has its limits.
const CHUNK: usize = 50;

/// Keeps a Neutron port for each row that a person has added, and a row for each port that an instance has
/// by itself.
///
/// - **By itself** an instance is connected with all networks of its slice: [`SyncInstances`](super::SyncInstances)
///   has Nova make these ports. The listing adds a row for each, with address and hardware address, and keeps
///   both up to date. Such a row goes when the slice leaves the network; one that is deleted by hand
///   comes back.
/// - **A row of a person** for a network of the instance's slice is for the port that the instance has
///   there anyway. For another network, a port of its own is made, in the project of the instance's slice,
///   and plugged into the server that runs: rows of ports come after those of instances. It is plugged again
///   into the server that takes the place of a lost one, with its addresses.
/// - **A row without instance** is a port on the network's first OpenStack controller, for whatever uses it.
/// - **Deletion** takes the port off the server and deletes it, if it was made for the row.
#[sync_step(
    provides = Port,
    interval = 300,
    concurrency = 8,
    only = "ports.instance_id IN (SELECT i.id FROM instances AS i \
            JOIN nodes AS n ON n.id = i.node_id \
            JOIN site_deployments AS l ON l.id = n.site_deployment_id \
            JOIN controllers AS c ON c.id = l.controller_id \
            WHERE i.isolation = 'vm' AND c.backend_type = 'OpenStack') \
            OR (ports.instance_id IS NULL AND ports.network_id IN \
            (SELECT k.network_id FROM controller_networks AS k \
            JOIN controllers AS c ON c.id = k.controller_id WHERE c.backend_type = 'OpenStack'))"
)]
pub struct SyncPorts {
    clouds: Clouds,
}

impl SyncStep for SyncPorts {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Port>) -> StepResult {
        watch::list(&self.clouds, cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<Port>) -> StepResult {
        let place = ready!(Place::of(cx, row).await?);
        let cloud = self.clouds.of(cx, place.controller).await?;
        match place.instance {
            Some(instance) => plug::of_instance(&cloud, cx, row, instance, &place.known).await,
            None => plug::of_nothing(&cloud, cx, row, &place.known).await,
        }
    }

    async fn delete_record(&self, cx: &Context, row: &Row<Port>) -> StepResult {
        let Some(controller) = controller_of(cx, row).await?.map(|(controller, _)| controller)
        else {
            return Ok(Outcome::Done);
        };
        let cloud = self.clouds.of(cx, controller).await?;
        for port in made_for(&cloud, cx, row).await? {
            if port.device_owner.starts_with("compute:") {
                match cloud.detach(&port.device_id, &port.id).await {
                    Ok(()) => {
                        let message = format!("taking the port {} off its server", port.id);
                        return Ok(wait(Reason::WAITING_FOR_DELETION, message, 1));
                    }
                    // The server is gone, or in no state for it: Nova hears of the port's end.
                    Err(error) if error.is_not_found() || error.is_conflict() => {}
                    Err(error) => return Err(error.into_step_error()),
                }
            }
            gone(cloud.delete_port(&port.id).await)?;
        }
        Ok(Outcome::Done)
    }
}

/// Where a port belongs.
struct Place {
    controller: Id<Controller>,
    instance: Option<Row<Instance>>,
    known: Row<ControllerNetwork>,
}

impl Place {
    async fn of(cx: &Context, row: &Row<Port>) -> Result<Ready<Self>, StepError> {
        let network = cx.get(row.network_id).await?;
        let waits = || {
            let message =
                format!("waiting for the network {} on the instance's cloud", network.name);
            Ok(patient(row, Reason::BLOCKED_BY_PARENT, message).into())
        };
        let Some((controller, instance)) = controller_of(cx, row).await? else { return waits() };
        let known = format!(
            "network_id = {} AND controller_id = {} AND net_id IS NOT NULL AND \
             (subnet_id IS NOT NULL OR enacted IS NOT NULL)",
            row.network_id.raw(),
            controller.raw()
        );
        let known = scope::rows::<ControllerNetwork>(cx, known).await?;
        let Some(known) = known.into_iter().next() else { return waits() };
        Ok(Ready::Continue(Self { controller, instance, known }))
    }
}

/// The controller of the instance, or else the first OpenStack controller that knows the network.
async fn controller_of(
    cx: &Context,
    row: &Row<Port>,
) -> Result<Option<(Id<Controller>, Option<Row<Instance>>)>, StepError> {
    if let Some(instance) = cx.get_optional(row.instance_id).await? {
        return Ok(Some((scope::controller_of(cx, &instance).await?, Some(instance))));
    }
    let known = format!(
        "network_id = {} AND controller_id IN (SELECT c.id FROM controllers AS c WHERE c.backend_type = '{}')",
        row.network_id.raw(),
        crate::BACKEND_TYPE
    );
    let known = scope::rows_and_deleted::<ControllerNetwork>(cx, known).await?;
    Ok(known
        .into_iter()
        .map(|known| known.controller_id)
        .min_by_key(|id| id.raw())
        .map(|id| (id, None)))
}

/// The ports that were made for this row; first the recorded one.
async fn made_for(cloud: &Cloud, cx: &Context, row: &Row<Port>) -> Result<Vec<Found>, StepError> {
    let mark = Some(marks::description(cx, row));
    let query = PortQuery { description: mark, ..PortQuery::default() };
    let mut ports = cloud.ports(&query).all().await.map_err(CloudError::into_step_error)?;
    if let Some(id) = &row.port_id
        && !ports.iter().any(|port| port.id == *id)
        && let Some(port) = found(cloud.port(id).await)?
        && scope::carries(row, &port.description, &port.tags)
    {
        ports.push(port);
    }
    ports.sort_by_key(|it| (Some(&it.id) != row.port_id.as_ref(), it.id.clone()));
    Ok(ports)
}

/// Whether a port was made for a row, not by Nova.
pub(super) fn is_made_for_a_row(port: &Found) -> bool {
    port.description.starts_with(marks::UID)
        || port.tags.iter().any(|it| it.starts_with(marks::UID))
}

/// All ports in these networks.
pub(super) async fn on_networks(
    cloud: &Cloud,
    networks: impl IntoIterator<Item = String>,
) -> Result<Vec<Found>, StepError> {
    let networks: Vec<_> = networks.into_iter().collect();
    let mut ports = Vec::new();
    for chunk in networks.chunks(CHUNK) {
        let query = PortQuery { network_ids: chunk.to_vec(), ..PortQuery::default() };
        ports.extend(cloud.ports(&query).all().await.map_err(CloudError::into_step_error)?);
    }
    Ok(ports)
}

/// A port's first address.
pub(super) fn address_of(port: &Found) -> Option<String> {
    port.fixed_ips.iter().find_map(|fixed| fixed.ip_address.clone())
}
