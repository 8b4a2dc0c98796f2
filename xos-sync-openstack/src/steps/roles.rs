//! The roles that privileges are of.

use std::collections::HashSet;

use futures_util::future::join_all;
use xos_sync_core::{
    Context, Id, Model, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Controller, SiteRole, SliceRole},
    sync_step,
};

use super::live::is_news;
use super::scope::{controllers, first_error, rows};
use crate::client::{Cloud, CloudError};
use crate::{Clouds, RoleNames};

/// Sees to it that each role of sites and of slices exists on each OpenStack controller, under the name
/// that [`RoleNames`] says.
///
/// A controller that is down gets them when it is back, unless all are: then the role waits.
/// One that is there is taken as it is, whoever made it. For the same reason none is deleted: a role may be
/// in use by others.
#[sync_step(provides = [SiteRole, SliceRole], interval = 300)]
pub struct SyncRoles {
    clouds: Clouds,
    names: RoleNames,
}

impl SyncStep<SiteRole> for SyncRoles {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<SiteRole>) -> StepResult {
        self.look(cx, pending, |row: &SiteRole| row.role.as_str()).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<SiteRole>) -> StepResult {
        self.provide(cx, row.role.as_str()).await?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<SiteRole>) -> StepResult {
        Ok(Outcome::Done)
    }
}

impl SyncStep<SliceRole> for SyncRoles {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<SliceRole>) -> StepResult {
        self.look(cx, pending, |row: &SliceRole| row.role.as_str()).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<SliceRole>) -> StepResult {
        self.provide(cx, row.role.as_str()).await?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<SliceRole>) -> StepResult {
        Ok(Outcome::Done)
    }
}

impl SyncRoles {
    /// Finds roles that a controller lacks, for instance because it is new.
    async fn look<M: Model>(
        &self,
        cx: &Context,
        pending: &mut Pending<M>,
        role: impl Fn(&M) -> &str + Send,
    ) -> Result<(), StepError> {
        let rows = rows::<M>(cx, "NOT no_sync".to_owned()).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let (mut errors, mut missing) = (Vec::new(), HashSet::new());
        for controller in controllers(cx).await? {
            match self.there(cx, controller.id).await {
                Ok(there) => {
                    let lacks = |row: &&Row<M>| !there.contains(self.names.of(role(row)));
                    missing.extend(rows.iter().filter(lacks).map(|row| row.id()));
                }
                Err(error) => errors.push(error),
            }
        }
        let news = |row: &&Row<M>| is_news(row.bookkeeping(), !missing.contains(&row.id()));
        pending.sync_again(rows.iter().filter(news).map(|row| row.id())).await?;
        first_error(errors)
    }

    async fn there(
        &self,
        cx: &Context,
        controller: Id<Controller>,
    ) -> Result<HashSet<String>, StepError> {
        let cloud = self.clouds.of(cx, controller).await?;
        let roles = cloud.roles().all().await.map_err(CloudError::into_step_error)?;
        Ok(roles.into_iter().map(|role| role.name).collect())
    }

    /// Makes the role wherever it is not.
    async fn provide(&self, cx: &Context, role: &str) -> Result<(), StepError> {
        let controllers = controllers(cx).await?.into_iter();
        // At once, so that one that is slow to answer holds up no other.
        let provided = join_all(controllers.map(async |controller| {
            provide(&self.clouds.of(cx, controller.id).await?, self.names.of(role)).await
        }));
        let provided = provided.await;
        // What needs the role on the others must not wait for one that is down: that one is found when it
        // is back.
        if provided.iter().any(Result::is_ok) { Ok(()) } else { provided.into_iter().collect() }
    }
}

async fn provide(cloud: &Cloud, name: &str) -> Result<(), StepError> {
    let roles = cloud.roles().all().await.map_err(CloudError::into_step_error)?;
    if roles.iter().any(|role| role.name == name) {
        return Ok(());
    }
    match cloud.create_role(name).await {
        // Another one of us, or the other model's row of this name, was faster.
        Err(error) if error.is_conflict() => Ok(()),
        made => made.map(drop).map_err(CloudError::into_step_error),
    }
}
