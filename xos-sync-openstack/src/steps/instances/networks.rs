//! What a server is connected with.

use std::collections::HashSet;

use diesel::prelude::*;
use xos_sync_core::{
    Context, Id, Outcome, Reason, Row, StepError, StepResult,
    models::{Controller, ControllerNetwork, Instance, ports},
};

use super::goal::Goal;
use crate::client::{Attachment, Cloud, CloudError, Port, PortQuery};
use crate::steps::answers::{gone, patient, wait};
use crate::steps::ports::{address_of, is_made_for_a_row};
use crate::steps::scope::rows_and_deleted;

/// The ids of all networks of the goal state that a controller has, also of those that are to go.
pub(super) async fn known(
    cx: &Context,
    controller: Id<Controller>,
) -> Result<HashSet<String>, StepError> {
    let known = format!("controller_id = {} AND net_id IS NOT NULL", controller.raw());
    let known = rows_and_deleted::<ControllerNetwork>(cx, known).await?;
    Ok(known.into_iter().filter_map(|it| it.into_object().net_id).collect())
}

/// PURE: the networks that the server with these ports lacks, and the ports that it has too many. What is
/// not of the goal state, or was plugged in for a row, is nobody's business here.
pub(super) fn differences<'a>(
    wanted: &'a [String],
    ports: &'a [Port],
    known: &HashSet<String>,
) -> (Vec<&'a String>, Vec<&'a Port>) {
    let lacking =
        wanted.iter().filter(|id| !ports.iter().any(|port| port.network_id == **id)).collect();
    let surplus = ports.iter().filter(|port| {
        let id = &port.network_id;
        known.contains(id) && !wanted.contains(id) && !is_made_for_a_row(port)
    });
    (lacking, surplus.collect())
}

/// Connects the server with what it lacks, takes it off what it should not be on, and records its address.
pub(super) async fn settle(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    row: &mut Row<Instance>,
    server: &str,
) -> StepResult {
    let query = PortQuery { device_id: Some(server.to_owned()), ..PortQuery::default() };
    let ports = cloud.ports(&query).all().await.map_err(CloudError::into_step_error)?;
    let known = known(cx, goal.controller).await?;
    let (lacking, surplus) = differences(&goal.networks, &ports, &known);
    for port in &surplus {
        gone(cloud.detach(server, &port.id).await)?;
        forget_row(cx, row.id, &port.id).await?;
    }
    for network in &lacking {
        match cloud.attach(server, &Attachment::Network((*network).clone())).await {
            Ok(()) => {}
            Err(error) if error.is_conflict() => {
                let message = format!("waiting to connect server {server}: {error}");
                return Ok(patient(row, Reason::CONFLICT, message));
            }
            Err(error) => return Err(error.into_step_error()),
        }
    }
    if !lacking.is_empty() || !surplus.is_empty() {
        let message = format!("connecting server {server} with other networks");
        return Ok(wait(Reason::WAITING_FOR_CHANGE, message, 1));
    }
    let of = |network: &String| ports.iter().find(|port| port.network_id == *network);
    row.ip = goal.networks.iter().find_map(|network| of(network).and_then(address_of));
    Ok(Outcome::Done)
}

/// The row of a port that is no more goes with it: it stood for what the server had by itself.
async fn forget_row(cx: &Context, instance: Id<Instance>, port: &str) -> Result<(), StepError> {
    let port = port.to_owned();
    cx.db()
        .write(move |conn| {
            let of_port =
                ports::table.filter(ports::instance_id.eq(instance).and(ports::port_id.eq(&port)));
            diesel::delete(of_port).execute(conn)
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(id: &str, network: &str, description: &str) -> Port {
        let text = serde_json::json!({
            "id": id, "name": "", "description": description, "network_id": network, "project_id": "p",
            "status": "ACTIVE", "mac_address": "00:00:00:00:00:00",
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn only_what_is_known_and_nobody_asked_for_is_too_much() {
        let wanted = ["a".to_owned(), "b".to_owned()];
        let known = ["a", "b", "c", "d"].map(str::to_owned).into();
        let ports = [
            port("1", "a", ""),
            port("2", "c", ""),
            port("3", "d", "xos-uid=7 xos-synchronizer=openstack"),
            port("4", "elsewhere", ""),
        ];
        let (lacking, surplus) = differences(&wanted, &ports, &known);
        assert_eq!(lacking, [&wanted[1]]);
        assert_eq!(surplus.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["2"]);
    }
}
