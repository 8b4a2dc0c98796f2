//! The way out of a network.

use xos_sync_core::{Context, Reason, Row, StepError, models::ControllerNetwork};

use super::find;
use super::goal::{Goal, WayOut};
use super::remove;
use crate::client::{Cloud, ErrorKind, NetworkQuery, NewRouter, Router, Tagged};
use crate::steps::marks;
use crate::steps::scope::lacks;

/// There is nothing to lead to; the listing looks for rows with this reason.
pub(super) const NO_EXTERNAL_NETWORK: Reason = Reason::new("NoExternalNetwork");

/// Makes the router, connects it, or removes it.
pub(super) async fn settle(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    row: &mut Row<ControllerNetwork>,
) -> Result<(), StepError> {
    if goal.way_out == WayOut::Closed && row.router_id.is_none() {
        return Ok(());
    }
    let mut routers = find::routers(cloud, cx, row).await?.into_iter();
    let kept = match goal.way_out {
        WayOut::Router => routers.next(),
        WayOut::Closed => None,
    };
    for surplus in routers {
        tracing::info!(router = %surplus.id, "deleting a router that is not wanted");
        let interfaces = find::ports(cloud, row.net_id.as_deref().unwrap_or_default()).await?;
        remove::router(cloud, &surplus.id, &interfaces).await?;
    }
    if goal.way_out == WayOut::Closed {
        row.router_id = None;
        return Ok(());
    }
    let router = match kept {
        Some(router) if router.external_network_id().is_some() => router,
        Some(router) => {
            let outside = outside(cloud).await?;
            let open = cloud.set_gateway(&router.id, Some(&outside)).await;
            open.map_err(|it| it.into_step_error())?
        }
        None => make(cloud, cx, goal, row).await?,
    };
    if row.router_id.as_ref() != Some(&router.id) {
        row.router_id = Some(router.id.clone());
        cx.save(row).await?;
    }
    let tags = marks::tags(cx, row);
    if lacks(&tags, &router.tags) {
        let tags: Vec<_> = tags.iter().map(String::as_str).collect();
        let tagged = cloud.set_tags(Tagged::Router(&router.id), &tags).await;
        tagged.map_err(|it| it.into_step_error())?;
    }
    connect(cloud, &router, row).await
}

async fn make(
    cloud: &Cloud,
    cx: &Context,
    goal: &Goal,
    row: &Row<ControllerNetwork>,
) -> Result<Router, StepError> {
    let wanted = NewRouter {
        name: goal.network.name.clone(),
        description: marks::description(cx, row),
        project_id: Some(goal.project.clone()),
        external_network_id: Some(outside(cloud).await?),
    };
    cloud.create_router(&wanted).await.map_err(|it| it.into_step_error())
}

/// The external network: the first by name.
async fn outside(cloud: &Cloud) -> Result<String, StepError> {
    let query = NetworkQuery { external: Some(true), ..NetworkQuery::default() };
    let mut outside = cloud.networks(&query).all().await.map_err(|it| it.into_step_error())?;
    outside.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    outside.into_iter().next().map(|network| network.id).ok_or_else(|| {
        StepError::terminal(String::from(
            "the cloud has no external network (router:external), so that nothing can lead out of this one: make \
             one there, or choose a template whose `translation` is none"
        ))
        .because(NO_EXTERNAL_NETWORK)
    })
}

async fn connect(
    cloud: &Cloud,
    router: &Router,
    row: &Row<ControllerNetwork>,
) -> Result<(), StepError> {
    let (Some(network), Some(subnet)) = (&row.net_id, &row.subnet_id) else { return Ok(()) };
    let ports = find::ports(cloud, network).await?;
    let at_subnet = |id: &Option<String>| id.as_ref() == Some(subnet);
    let connected = ports.iter().any(|port| {
        port.device_id == router.id && port.fixed_ips.iter().any(|it| at_subnet(&it.subnet_id))
    });
    if connected {
        return Ok(());
    }
    match cloud.add_interface(&router.id, subnet).await {
        // Somebody was faster.
        Err(error) if error.kind() == ErrorKind::Invalid && error.message().contains("already") => {
            Ok(())
        }
        other => other.map_err(|it| it.into_step_error()),
    }
}
