//! A role in a site's project for each privilege.

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Controller, ControllerSitePrivilege, SitePrivilege},
    sync_step,
};

use super::grants;
use super::on_controllers::Look;
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

impl SyncStep<ControllerSitePrivilege> for SyncControllerSitePrivileges {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerSitePrivilege>,
    ) -> StepResult {
        self.look_at_all(cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(
        &self,
        cx: &Context,
        row: &mut Row<ControllerSitePrivilege>,
    ) -> StepResult {
        grants::sync(cx, &self.clouds, &self.names, row).await
    }

    async fn delete_record(&self, cx: &Context, row: &Row<ControllerSitePrivilege>) -> StepResult {
        grants::delete(cx, &self.clouds, &self.names, row).await?;
        Ok(Outcome::Done)
    }
}

#[async_trait]
impl Look<ControllerSitePrivilege> for SyncControllerSitePrivileges {
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerSitePrivilege>,
    ) -> Result<(), StepError> {
        grants::look(cx, &self.clouds, controller, pending).await
    }
}
