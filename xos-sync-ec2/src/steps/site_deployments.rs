//! The links from zones' sites to the deployment.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use xos_sync_core::{
    Context, Id, Outcome, Pending, Reason, Row, StepError, StepResult, SyncStep,
    models::{NewSiteDeployment, Site, SiteDeployment, site_deployments, sites},
    sync_step,
};

use super::rows::{Rows, is_news};
use super::{deployments, zones};
use crate::client::Ec2;

/// The links to EC2.
pub(super) const LINKS: &str = "site_deployments.deployment_id IN (SELECT d.id FROM deployments AS d WHERE d.name = 'Amazon EC2')";

/// Links each zone's site to the deployment. A link whose zone EC2 no longer offers is an error.
#[sync_step(
    provides = SiteDeployment,
    interval = 86400,
    only = "site_deployments.deployment_id IN (SELECT d.id FROM deployments AS d WHERE d.name = 'Amazon EC2')"
)]
pub struct SyncSiteDeployments {
    ec2: Ec2,
}

impl SyncStep for SyncSiteDeployments {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<SiteDeployment>,
    ) -> StepResult {
        let zones = zones::offered(&self.ec2).await?;
        let Some(deployment) = deployments::find(cx).await? else {
            return Ok(wait("the deployment"));
        };

        let wanted: Vec<_> = zones.iter().cloned().collect();
        let (sites, linked) = cx
            .db()
            .run(move |conn| {
                let sites: BTreeMap<String, Id<Site>> = sites::table
                    .filter(sites::login_base.eq_any(wanted))
                    .select((sites::login_base, sites::id))
                    .load::<(String, Id<Site>)>(conn)?
                    .into_iter()
                    .collect();
                let ids: Vec<_> = sites.values().copied().collect();
                let linked: Vec<Id<Site>> = site_deployments::table
                    .filter(site_deployments::site_id.eq_any(ids))
                    .filter(site_deployments::deployment_id.eq(deployment))
                    .select(site_deployments::site_id)
                    .load(conn)?;
                Ok((sites, linked))
            })
            .await?;
        let new = sites.iter().filter(|(_, site)| !linked.contains(site)).map(|(zone, site)| {
            NewSiteDeployment {
                availability_zone: Some(zone.clone()),
                ..NewSiteDeployment::new(*site, deployment)
            }
        });
        pending.add(new.collect()).await?;
        if sites.len() < zones.len() {
            return Ok(wait("the sites of all zones"));
        }

        let mut rows = Rows::<SiteDeployment>::live(LINKS, 500);
        while let Some(page) = rows.next(cx).await? {
            let news = |link: &&Row<SiteDeployment>| {
                let zone = link.availability_zone.as_ref();
                is_news(link.bookkeeping(), zone.is_none_or(|zone| zones.contains(zone)))
            };
            pending.sync_again(page.iter().filter(news).map(|row| row.id)).await?;
        }
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, link: &mut Row<SiteDeployment>) -> StepResult {
        match &link.availability_zone {
            Some(zone) => {
                zones::check(&self.ec2, zone).await?;
                Ok(Outcome::Done)
            }
            None => Err(StepError::terminal(
                "a site on Amazon EC2 needs to say which zone stands for it: set `availability_zone`, for \
                 example to us-east-1a",
            )),
        }
    }

    async fn delete_record(&self, _: &Context, _: &Row<SiteDeployment>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// A listing that needs another one to have come before it.
pub(super) fn wait(what: &str) -> Outcome {
    let message = format!("waiting for {what}");
    Outcome::wait(Reason::BLOCKED_BY_PARENT, message, Duration::from_secs(1))
}
