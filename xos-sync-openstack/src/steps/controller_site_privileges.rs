//! A role in a site's project for each privilege.

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Pending, StepResult, SyncStep,
    models::{ControllerSitePrivilege, SitePrivilege},
    sync_step,
};

use super::grants::{self, Goal, Held};
use super::live;
use super::privileges::SITES;
use crate::client::CloudError;
use crate::{Clouds, RoleNames};

/// Gives users the roles in sites' projects that their privileges say, under the names in [`RoleNames`].
///
/// When a privilege becomes another user's, site's or role, or is deleted, the old one is revoked, and with
/// it whatever else of that role users of ours have in our projects without a privilege. Other roles that
/// others have given are left alone.
#[sync_step(
    provides = SitePrivilege,
    observes = ControllerSitePrivilege,
    interval = 300,
    only = "controller_site_privileges.controller_id IN \
            (SELECT c.id FROM controllers AS c WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncControllerSitePrivileges {
    clouds: Clouds,
    names: RoleNames,
}

#[async_trait]
impl SyncStep<ControllerSitePrivilege> for SyncControllerSitePrivileges {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerSitePrivilege>,
    ) -> StepResult {
        let mut told = Ok(());
        for controller in live::controllers(cx).await? {
            let found = match self.clouds.place(cx, controller).await {
                Ok(place) => grants::news(cx, &place, &SITES).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(rows) => pending.sync_again(rows.into_iter().map(Id::new)).await?,
                Err(error) => told = told.and(Err(error)),
            }
        }
        told
    }

    async fn sync_record(&self, cx: &Context, row: &mut ControllerSitePrivilege) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let Goal::Grant(grant) = grants::goal(cx, &place, &self.names, &SITES, &held(row)).await?
        else {
            return Ok(());
        };
        // Before it is granted, so that a change or deletion after a crash knows that it may have been.
        if row.role_id.as_ref() != Some(&grant.role_id) {
            row.role_id = Some(grant.role_id.clone());
            cx.save(row).await?;
        }
        place.cloud.grant(&grant).await.map_err(CloudError::into_step_error)
    }

    async fn delete_record(&self, cx: &Context, row: &ControllerSitePrivilege) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        grants::revoke(cx, &place, &self.names, &SITES, &held(row)).await
    }
}

fn held(row: &ControllerSitePrivilege) -> Held<'_> {
    Held {
        id: row.id.raw(),
        controller: row.controller_id,
        role_id: row.role_id.as_deref(),
        enacted: row.bookkeeping.enacted,
    }
}
