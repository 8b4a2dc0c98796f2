//! From the network that is there to the one that should be.

use xos_sync_core::{Context, Row, StepError, models::ControllerNetwork};

use super::goal::Goal;
use super::{find, ranges, remove, router};
use crate::client::{Cloud, Network, NetworkChange, NewNetwork, NewSubnet, SubnetQuery, Tagged};
use crate::steps::marks;
use crate::steps::scope::{carries, lacks};

/// Makes what is missing: network, subnet, router.
pub(super) async fn settle(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    row: &mut Row<ControllerNetwork>,
) -> Result<(), StepError> {
    let network = network(cloud, cx, goal, row).await?;
    subnet(cloud, cx, goal, row, &network).await?;
    router::settle(cloud, cx, goal, row).await
}

async fn network(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    row: &mut Row<ControllerNetwork>,
) -> Result<Network, StepError> {
    let mut networks = find::networks(cloud, cx, row).await?.into_iter();
    let network = match networks.next() {
        Some(network) => network,
        None => {
            let wanted = NewNetwork {
                name: goal.network.name.clone(),
                description: marks::description(cx, row),
                project_id: Some(goal.project.clone()),
                ..NewNetwork::default()
            };
            cloud.create_network(&wanted).await.map_err(|it| it.into_step_error())?
        }
    };
    if row.net_id.as_ref() != Some(&network.id) {
        if let Some(lost) = &row.net_id {
            tracing::warn!(%lost, "{} has lost its network", row.object_ref());
        }
        row.net_id = Some(network.id.clone());
        row.subnet_id = None;
        cx.save(row).await?;
    }
    for surplus in networks {
        tracing::warn!(kept = %network.id, surplus = %surplus.id,
            "deleting a network too many for {}", row.object_ref());
        remove::network(cloud, &surplus).await?;
    }
    let tags = marks::tags(cx, row);
    if lacks(&tags, &network.tags) {
        tag(cloud, Tagged::Network(&network.id), &tags).await?;
    }
    if network.name != goal.network.name {
        let name = Some(goal.network.name.clone());
        let change = NetworkChange { name, ..NetworkChange::default() };
        cloud.update_network(&network.id, &change).await.map_err(|it| it.into_step_error())?;
    }
    Ok(network)
}

async fn subnet(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    row: &mut Row<ControllerNetwork>,
    network: &Network,
) -> Result<(), StepError> {
    let given = goal.network.subnet.as_deref().map(str::trim).filter(|text| !text.is_empty());
    // A network that was made just now has none, and its listing would say so.
    let query = SubnetQuery { network_id: Some(network.id.clone()), ..SubnetQuery::default() };
    let subnets = cloud.subnets(&query).all().await.map_err(|it| it.into_step_error())?;
    let there = subnets.into_iter().find(|subnet| {
        row.subnet_id.as_ref() == Some(&subnet.id)
            || carries(row, &subnet.description, &subnet.tags)
    });
    let tags = marks::tags(cx, row);
    if let Some(there) = there {
        if let Some(given) = given.filter(|given| !ranges::is_same(given, &there.cidr)) {
            return Err(StepError::terminal(format!(
                "the network {} has the addresses {}, and OpenStack cannot change them to {given}: add another \
                 network with these, or undo the change of `subnet`",
                network.id, there.cidr
            )));
        }
        if lacks(&tags, &there.tags) {
            tag(cloud, Tagged::Subnet(&there.id), &tags).await?;
        }
        (row.subnet_id, row.subnet) = (Some(there.id), Some(there.cidr));
        return Ok(());
    }
    let cidr = match given {
        Some(given) => given.to_owned(),
        None => ranges::range_for(cx, row).await?,
    };
    let wanted = NewSubnet {
        name: goal.network.name.clone(),
        description: marks::description(cx, row),
        network_id: network.id.clone(),
        project_id: Some(goal.project.clone()),
        cidr,
        ..NewSubnet::default()
    };
    let made = cloud.create_subnet(&wanted).await.map_err(|it| it.into_step_error())?;
    (row.subnet_id, row.subnet) = (Some(made.id.clone()), Some(made.cidr));
    cx.save(row).await?;
    tag(cloud, Tagged::Subnet(&made.id), &tags).await
}

async fn tag(cloud: &Cloud, thing: Tagged<'_>, tags: &[String]) -> Result<(), StepError> {
    let tags: Vec<_> = tags.iter().map(String::as_str).collect();
    cloud.set_tags(thing, &tags).await.map_err(|it| it.into_step_error())
}
