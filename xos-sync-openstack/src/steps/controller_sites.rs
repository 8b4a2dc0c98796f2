//! A project for each site.

use std::collections::HashMap;

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Model as _, Pending, StepResult, SyncStep,
    models::{Controller, ControllerSite, Site},
    sync_step,
};

use super::live::{self, Live, is_news};
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

#[async_trait]
impl SyncStep<ControllerSite> for SyncControllerSites {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerSite>,
    ) -> StepResult {
        let mut told = Ok(());
        for id in live::controllers(cx).await? {
            // One that is down does not keep the others from being looked at.
            told = told.and(self.look(cx, id, pending).await);
        }
        told
    }

    async fn sync_record(&self, cx: &Context, row: &mut ControllerSite) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let wanted = wanted(cx, row, &cx.get(row.site_id).await?);
        let there = projects::find_or_make(&place, row.tenant_id.as_deref(), &wanted).await?;
        if row.tenant_id.as_ref() != Some(&there.id) {
            row.tenant_id = Some(there.id.clone());
            cx.save(row).await?;
        }
        projects::adjust(&place, &there, &wanted).await
    }

    async fn delete_record(&self, cx: &Context, row: &ControllerSite) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        match projects::find(&place, row.tenant_id.as_deref(), &marks::uid(row)).await? {
            Some(there) => projects::delete(&place.cloud, &there).await,
            None => Ok(()),
        }
    }
}

impl SyncControllerSites {
    /// Finds projects of one controller that are not as they were left.
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerSite>,
    ) -> StepResult {
        let place = self.clouds.place(cx, controller).await?;
        let there: HashMap<_, _> = projects::all(&place)
            .await?
            .into_iter()
            .map(|project| (project.id.clone(), project))
            .collect();
        let mut rows = Live::<ControllerSite>::of(controller);
        while let Some(page) = rows.next(cx).await? {
            let sites = live::by_id(cx, page.iter().map(|row| row.site_id)).await?;
            let news = |row: &&ControllerSite| {
                let project = row.tenant_id.as_ref().and_then(|id| there.get(id));
                let settled =
                    project.zip(sites.get(&row.site_id.raw())).is_some_and(|(project, site)| {
                        wanted(cx, row, site).difference(project).is_none()
                    });
                is_news(&row.bookkeeping, settled)
            };
            pending.sync_again(page.iter().filter(news).map(ControllerSite::id)).await?;
        }
        Ok(())
    }
}

fn wanted(cx: &Context, row: &ControllerSite, site: &Site) -> projects::Wanted {
    projects::Wanted {
        name: site.login_base.clone(),
        description: site.name.clone(),
        enabled: site.enabled,
        tags: marks::tags(cx, row),
        mark: marks::uid(row),
        origin: "the site's `login_base`",
    }
}
