//! Making ports, and plugging them in.

use xos_sync_core::{
    Context, Outcome, Pending, Reason, Row, StepError, StepResult,
    models::{ControllerNetwork, Instance, Port},
    ready,
};

use super::{address_of, made_for};
use crate::client::{Attachment, Cloud, CloudError, NewPort, Port as Found, PortQuery, Tagged};
use crate::steps::answers::{gone, patient, wait};
use crate::steps::marks;
use crate::steps::scope::{lacks, networks_of, project_of};

/// A port of an instance: the one that it has by itself, or one that is made and plugged in.
pub(super) async fn of_instance(
    cloud: &Cloud,
    cx: &Context,
    row: &mut Row<Port>,
    instance: Row<Instance>,
    known: &ControllerNetwork,
) -> StepResult {
    let net_id = known.net_id.clone().unwrap_or_default();
    let Some(server) = &instance.instance_id else {
        let message = format!("waiting for the server of instance {}", instance.name);
        return Ok(patient(row, Reason::BLOCKED_BY_PARENT, message));
    };
    let query = PortQuery {
        device_id: Some(server.clone()),
        network_id: Some(net_id.clone()),
        ..PortQuery::default()
    };
    let mut plugged = cloud.ports(&query).all().await.map_err(CloudError::into_step_error)?;
    plugged.sort_by_key(|it| (Some(&it.id) != row.port_id.as_ref(), it.id.clone()));
    if let Some(port) = plugged.into_iter().next() {
        record(cx, row, port).await?;
        return Ok(Outcome::Done);
    }
    let joined = networks_of(cx, instance.slice_id, known.controller_id).await?;
    if joined.iter().any(|joined| joined.network.id == row.network_id) {
        // It has, or gets, one by itself.
        if !instance.bookkeeping().is_pending() {
            Pending::new(cx.clone()).sync_again([instance.id]).await?;
        }
        let message = format!("waiting for {} to be connected", instance.name);
        return Ok(wait(Reason::BLOCKED_BY_PARENT, message, 2));
    }
    let slice = cx.get(instance.slice_id).await?;
    let project = ready!(project_of(cx, row, &slice, known.controller_id).await?);
    let port = own(cloud, cx, row, &net_id, project.clone()).await?;
    if !port.device_id.is_empty() {
        let message = format!("waiting for the port {} to leave {}", port.id, port.device_id);
        return Ok(patient(row, Reason::CONFLICT, message));
    }
    match cloud.in_project(project).attach(server, &Attachment::Port(port.id.clone())).await {
        Ok(()) => Ok(Outcome::Done),
        Err(error) if error.is_conflict() => {
            let message = format!("waiting for the server to be ready: {error}");
            Ok(patient(row, Reason::CONFLICT, message))
        }
        Err(error) => Err(error.into_step_error()),
    }
}

/// A port of something else.
pub(super) async fn of_nothing(
    cloud: &Cloud,
    cx: &Context,
    row: &mut Row<Port>,
    known: &ControllerNetwork,
) -> StepResult {
    let network = cx.get(row.network_id).await?;
    let slice = cx.get(network.owner_id).await?;
    let project = ready!(project_of(cx, row, &slice, known.controller_id).await?);
    own(cloud, cx, row, known.net_id.as_deref().unwrap_or_default(), project).await?;
    Ok(Outcome::Done)
}

/// The port that is made for a row, there once.
async fn own(
    cloud: &Cloud,
    cx: &Context,
    row: &mut Row<Port>,
    net_id: &str,
    project: String,
) -> Result<Found, StepError> {
    let made = made_for(cloud, cx, row).await?;
    let (fitting, others): (Vec<_>, Vec<_>) =
        made.into_iter().partition(|port| port.network_id == net_id);
    let mut fitting = fitting.into_iter();
    let kept = fitting.next();
    for surplus in fitting.chain(others) {
        tracing::warn!(surplus = %surplus.id, "deleting a port too many for {}", row.object_ref());
        gone(cloud.delete_port(&surplus.id).await)?;
    }
    let port = match kept {
        Some(port) => port,
        None => {
            let wanted = NewPort {
                name: format!("xos-{}", row.uid()),
                description: marks::description(cx, row),
                network_id: net_id.to_owned(),
                project_id: Some(project),
                ..NewPort::default()
            };
            cloud.create_port(&wanted).await.map_err(CloudError::into_step_error)?
        }
    };
    record(cx, row, port.clone()).await?;
    let tags = marks::tags(cx, row);
    if lacks(&tags, &port.tags) {
        let tags: Vec<_> = tags.iter().map(String::as_str).collect();
        let tagged = cloud.set_tags(Tagged::Port(&port.id), &tags).await;
        tagged.map_err(CloudError::into_step_error)?;
    }
    Ok(port)
}

async fn record(cx: &Context, row: &mut Row<Port>, port: Found) -> Result<(), StepError> {
    let before = row.port_id.clone();
    row.ip = address_of(&port);
    row.mac = Some(port.mac_address);
    row.port_id = Some(port.id);
    if before != row.port_id {
        cx.save(row).await?;
    }
    Ok(())
}
