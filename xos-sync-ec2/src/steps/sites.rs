//! A site for each availability zone.

use std::collections::BTreeSet;

use diesel::prelude::*;
use xos_sync_core::{
    Context, Outcome, Pending, Row, StepResult, SyncStep,
    models::{NewSite, Site, sites},
    sync_step,
};

use super::rows::{Rows, is_news};
use super::zones;
use crate::client::Ec2;

/// The page of the sites that stand for zones, by which they are told from people's sites.
pub const SITE_URL: &str = "https://aws.amazon.com/ec2/";

const ZONE_SITES: &str = "sites.site_url = 'https://aws.amazon.com/ec2/'";

/// Adds a site for each availability zone, named after it, with [`SITE_URL`] as its page. Such a site is
/// an error when EC2 no longer offers its zone; other sites are none of this step's business.
#[sync_step(
    provides = Site,
    interval = 3600,
    only = "sites.site_url = 'https://aws.amazon.com/ec2/'"
)]
pub struct SyncSites {
    ec2: Ec2,
}

impl SyncStep for SyncSites {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Site>) -> StepResult {
        let zones = zones::offered(&self.ec2).await?;

        let wanted: Vec<_> = zones.iter().cloned().collect();
        let known: BTreeSet<String> = cx
            .db()
            .run(move |conn| {
                sites::table
                    .filter(sites::login_base.eq_any(wanted))
                    .select(sites::login_base)
                    .load(conn)
            })
            .await?
            .into_iter()
            .collect();
        let new = zones.difference(&known).map(|zone| site(zone)).collect();
        pending.add(new).await?;

        let mut rows = Rows::<Site>::live(ZONE_SITES, 500);
        while let Some(page) = rows.next(cx).await? {
            let news =
                |site: &&Row<Site>| is_news(site.bookkeeping(), zones.contains(&site.login_base));
            pending.sync_again(page.iter().filter(news).map(|row| row.id)).await?;
        }
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, site: &mut Row<Site>) -> StepResult {
        zones::check(&self.ec2, &site.login_base).await?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn site(zone: &str) -> NewSite {
    NewSite {
        abbreviated_name: Some(zone.to_owned()),
        site_url: Some(SITE_URL.to_owned()),
        ..NewSite::new(zone, zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_one_that_the_step_looks_for() {
        assert!(ZONE_SITES.contains(SITE_URL));
    }
}
