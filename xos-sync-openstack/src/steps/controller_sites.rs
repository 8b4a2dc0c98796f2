//! A project for each site.

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Controller, ControllerSite, Site},
    sync_step,
};

use super::on_controllers::{Look, tell};
use super::{marks, projects};
use crate::Clouds;

/// Gives each site a project, named after its `login_base` and enabled as it is, on each controller that
/// it is deployed on.
///
/// A project of this name that was not made for the site is left alone, and an error. A site's project is
/// deleted when nothing is in it any more but the security group that Neutron has made there by itself; what
/// others have put there holds it up.
#[sync_step(
    provides = Site,
    observes = ControllerSite,
    interval = 300,
    only = "controller_sites.controller_id IN \
            (SELECT c.id FROM controllers AS c WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncControllerSites {
    clouds: Clouds,
}

impl SyncStep<ControllerSite> for SyncControllerSites {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerSite>,
    ) -> StepResult {
        self.look_at_all(cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<ControllerSite>) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let site = cx.get(row.site_id).await?;
        let wanted = wanted(cx, row, &site);
        projects::settle(cx, &place, row, &wanted).await?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, cx: &Context, row: &Row<ControllerSite>) -> StepResult {
        projects::remove(&self.clouds.place(cx, row.controller_id).await?, row).await
    }
}

#[async_trait]
impl Look<ControllerSite> for SyncControllerSites {
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerSite>,
    ) -> Result<(), StepError> {
        let place = self.clouds.place(cx, controller).await?;
        let there = projects::all(&place).await?;
        let is_settled = |row: &Row<ControllerSite>, site: &Row<Site>| {
            let project = row.tenant_id.as_ref().and_then(|id| there.get(id));
            wanted(cx, row, site).is_met_by(project)
        };
        tell(cx, controller, pending, is_settled).await
    }
}

fn wanted(cx: &Context, row: &Row<ControllerSite>, site: &Site) -> projects::Wanted {
    projects::Wanted {
        name: site.login_base.clone(),
        description: site.name.clone(),
        enabled: site.enabled,
        tags: marks::tags(cx, row),
        mark: marks::uid(row),
        origin: "the site's `login_base`",
    }
}
