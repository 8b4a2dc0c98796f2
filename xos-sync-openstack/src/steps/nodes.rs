//! A node for each host of a cloud.

use std::collections::{BTreeSet, HashSet};

use xos_sync_core::{
    Context, Id, Model, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    error::BackendClass,
    models::{Controller, NewNode, Node, SiteDeployment},
    sync_step,
};

use super::scope::{controllers, first_error, list, rows};
use crate::Clouds;
use crate::client::{Cloud, CloudError};

/// Adds a node for each host that servers run on, in the first site deployment of its controller, and says of
/// nodes whose host has gone that it is not there any more. Changes nothing on the cloud.
///
/// A node is named after its host; or `host@controller`, if another controller has a host of that name. A
/// node that is deleted comes back with the next listing, as long as the host is there.
#[sync_step(
    provides = Node,
    interval = 3600,
    concurrency = 4,
    only = "nodes.site_deployment_id IN (SELECT l.id FROM site_deployments AS l \
            JOIN controllers AS c ON c.id = l.controller_id WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncNodes {
    clouds: Clouds,
}

impl SyncStep for SyncNodes {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Node>) -> StepResult {
        let mut errors = Vec::new();
        for controller in controllers(cx).await? {
            let done = match self.clouds.of(cx, controller.id).await {
                Ok(cloud) => compare(&cloud, cx, &controller, pending).await,
                Err(error) => Err(error),
            };
            errors.extend(done.err());
        }
        first_error(errors)?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, node: &mut Row<Node>) -> StepResult {
        let link = cx.get(node.site_deployment_id).await?;
        let Some(controller) = cx.get_optional(link.controller_id).await? else {
            return Ok(Outcome::Done);
        };
        let cloud = self.clouds.of(cx, controller.id).await?;
        let host = host_of(&node.name, &controller.name);
        if hosts(&cloud).await?.contains(host) {
            return Ok(Outcome::Done);
        }
        Err(StepError::terminal(format!(
            "the host {host} is not there any more on {}: use another node, or rename this one after a host",
            controller.name
        )))
    }

    async fn delete_record(&self, _: &Context, _: &Row<Node>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// The host that a node of a controller stands for.
pub(super) fn host_of<'a>(node: &'a str, controller: &str) -> &'a str {
    let host = node.strip_suffix(controller).and_then(|rest| rest.strip_suffix('@'));
    host.unwrap_or(node)
}

async fn hosts(cloud: &Cloud) -> Result<BTreeSet<String>, StepError> {
    let mut hosts = BTreeSet::new();
    let mut pages = cloud.hypervisors();
    while let Some(page) = pages.next().await.map_err(CloudError::into_step_error)? {
        hosts.extend(page.iter().map(|hypervisor| hypervisor.host().to_owned()));
    }
    Ok(hosts)
}

async fn compare(
    cloud: &Cloud,
    cx: &Context,
    controller: &Row<Controller>,
    pending: &mut Pending<Node>,
) -> Result<(), StepError> {
    let links = format!("controller_id = {}", controller.id.raw());
    let links: Vec<Id<SiteDeployment>> =
        rows::<SiteDeployment>(cx, links).await?.iter().map(|row| row.id()).collect();
    // Without a site there is no place for nodes yet.
    let Some(first) = links.first().copied() else { return Ok(()) };
    let known = rows::<Node>(cx, "TRUE".to_owned()).await?;
    let hosts = hosts(cloud).await?;

    let here = format!("NOT no_sync AND site_deployment_id IN ({})", list(links));
    let here = rows::<Node>(cx, here).await?;
    let named: HashSet<_> = here.iter().map(|node| host_of(&node.name, &controller.name)).collect();
    let taken: HashSet<_> = known.iter().map(|node| node.name.as_str()).collect();
    let missing = hosts.iter().filter(|host| !named.contains(host.as_str())).map(|host| {
        let name = match taken.contains(host.as_str()) {
            false => host.clone(),
            true => format!("{host}@{}", controller.name),
        };
        NewNode::new(name, first)
    });
    let missing = missing.filter(|node| !taken.contains(node.name.as_str())).collect();
    let news = |node: &&Row<Node>| {
        let kept = node.bookkeeping();
        match hosts.contains(host_of(&node.name, &controller.name)) {
            true => kept.backend_class == Some(BackendClass::Terminal),
            false => !kept.is_pending(),
        }
    };
    pending.sync_again(here.iter().filter(news).map(|row| row.id())).await?;
    pending.add(missing).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn a_node_is_a_host() {
        assert_eq!(host_of("compute1", "RegionOne"), "compute1");
        assert_eq!(host_of("compute1@RegionOne", "RegionOne"), "compute1");
        assert_eq!(host_of("compute1@RegionOne", "Two"), "compute1@RegionOne");
    }
}
