//! A node for each instance type in each zone: EC2 hides its machines.

use std::collections::BTreeSet;

use diesel::prelude::*;
use xos_sync_core::{
    Context, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{NewNode, Node, SiteDeployment, nodes},
    sync_step,
};

use super::rows::{Rows, is_news};
use super::site_deployments::{LINKS, wait};
use super::told;
use crate::NodeCatalog;
use crate::client::{Ec2, Filter};

/// The nodes on EC2.
const NODES: &str = "nodes.site_deployment_id IN (SELECT l.id FROM site_deployments AS l \
                     JOIN deployments AS d ON d.id = l.deployment_id WHERE d.name = 'Amazon EC2')";

/// Adds a node named `type.zone` for each type of the [`NodeCatalog`] that a zone offers. A node whose
/// type its zone does not offer is an error.
#[sync_step(
    provides = Node,
    interval = 3600,
    only = "nodes.site_deployment_id IN (SELECT l.id FROM site_deployments AS l \
            JOIN deployments AS d ON d.id = l.deployment_id WHERE d.name = 'Amazon EC2')"
)]
pub struct SyncNodes {
    ec2: Ec2,
    catalog: NodeCatalog,
}

impl SyncStep for SyncNodes {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Node>) -> StepResult {
        let mut links = Rows::<SiteDeployment>::live(LINKS, 100);
        let mut any = false;
        while let Some(page) = links.next(cx).await? {
            any = true;
            self.add_missing(cx, &page, pending).await?;
        }
        if !any {
            return Ok(wait("the sites' links to the deployment"));
        }

        let mut nodes = Rows::<Node>::live(NODES, 100);
        while let Some(page) = nodes.next(cx).await? {
            let offered = self.offered(page.iter().filter_map(|node| parse(&node.name))).await?;
            let news =
                |node: &&Row<Node>| is_news(node.bookkeeping(), offered.contains(&node.name));
            pending.sync_again(page.iter().filter(news).map(|row| row.id)).await?;
        }
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, node: &mut Row<Node>) -> StepResult {
        let link = cx.get(node.site_deployment_id).await?;
        let Some((kind, zone)) = parse(&node.name) else {
            return Err(StepError::terminal(format!(
                "a node on Amazon EC2 is named after an instance type and a zone, for example \
                 t3.micro.us-east-1a, not {:?}: rename it",
                node.name
            )));
        };
        if link.availability_zone.as_deref() != Some(zone) {
            return Err(StepError::terminal(format!(
                "the node's name says zone {zone}, but its site deployment stands for {}: rename the node, or \
                 put it into another site deployment",
                link.availability_zone.as_deref().unwrap_or("no zone"),
            )));
        }
        if self.offered([(kind, zone)]).await?.is_empty() {
            return Err(StepError::terminal(format!(
                "EC2 does not offer the instance type {kind} in zone {zone}: use another node"
            )));
        }
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Node>) -> StepResult {
        Ok(Outcome::Done)
    }
}

impl SyncNodes {
    /// Adds the nodes that these zones lack.
    async fn add_missing(
        &self,
        cx: &Context,
        links: &[Row<SiteDeployment>],
        pending: &mut Pending<Node>,
    ) -> Result<(), StepError> {
        let zones = links.iter().filter_map(|link| link.availability_zone.as_ref());
        let filters =
            [Filter::new("location", zones), Filter::new("instance-type", &self.catalog.types)];
        let mut pages = self.ec2.describe_instance_type_offerings(&filters);
        while let Some(offerings) = pages.next().await.map_err(told)? {
            let mut missing = Vec::new();
            for offering in offerings {
                let in_zone = |link: &&Row<SiteDeployment>| {
                    link.availability_zone.as_ref() == Some(&offering.zone_name)
                };
                if let Some(link) = links.iter().find(in_zone) {
                    let name = format!("{}.{}", offering.instance_type, offering.zone_name);
                    missing.push(NewNode::new(name, link.id));
                }
            }
            let names: Vec<_> = missing.iter().map(|node| node.name.clone()).collect();
            let known: BTreeSet<String> = cx
                .db()
                .run(move |conn| {
                    nodes::table.filter(nodes::name.eq_any(names)).select(nodes::name).load(conn)
                })
                .await?
                .into_iter()
                .collect();
            missing.retain(|node| !known.contains(&node.name));
            pending.add(missing).await?;
        }
        Ok(())
    }

    /// The names of the nodes among these that EC2 offers.
    async fn offered(
        &self,
        nodes: impl IntoIterator<Item = (&str, &str)>,
    ) -> Result<BTreeSet<String>, StepError> {
        let (types, zones): (BTreeSet<&str>, BTreeSet<&str>) = nodes.into_iter().unzip();
        let filters = [Filter::new("location", zones), Filter::new("instance-type", types)];
        let pages = self.ec2.describe_instance_type_offerings(&filters);
        let offerings = pages.all().await.map_err(told)?.into_iter();
        Ok(offerings.map(|it| format!("{}.{}", it.instance_type, it.zone_name)).collect())
    }
}

/// The instance type and the zone in a node's name.
pub(super) fn parse(name: &str) -> Option<(&str, &str)> {
    let (kind, zone) = name.rsplit_once('.')?;
    let complete = kind.contains('.') && !zone.is_empty() && !kind.ends_with('.');
    complete.then_some((kind, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_type_in_a_zone() {
        assert_eq!(parse("t3.micro.us-east-1a"), Some(("t3.micro", "us-east-1a")));
        assert_eq!(parse("u-6tb1.metal.eu-west-1b"), Some(("u-6tb1.metal", "eu-west-1b")));
        for wrong in ["", "node1", "node1.example", "t3.micro.", "t3..us-east-1a", ".us-east-1a"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
