//! The deployment that stands for EC2.

use diesel::prelude::*;
use xos_sync_core::{
    Context, Id, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Deployment, NewDeployment, deployments},
    sync_step,
};

/// The name of the deployment that stands for EC2.
pub const DEPLOYMENT: &str = "Amazon EC2";

/// Adds the deployment named [`DEPLOYMENT`], to which everything on EC2 belongs.
#[sync_step(provides = Deployment, interval = 86400, only = "deployments.name = 'Amazon EC2'")]
pub struct SyncDeployments {}

impl SyncStep for SyncDeployments {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Deployment>) -> StepResult {
        if find(cx).await?.is_none() {
            pending.add(vec![NewDeployment::new(DEPLOYMENT)]).await?;
        }
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, _: &mut Row<Deployment>) -> StepResult {
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Deployment>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// The deployment's key, once it is there.
pub(super) async fn find(cx: &Context) -> Result<Option<Id<Deployment>>, StepError> {
    let found = cx.db().run(|conn| {
        deployments::table
            .filter(deployments::name.eq(DEPLOYMENT))
            .select(deployments::id)
            .first(conn)
            .optional()
    });
    Ok(found.await?)
}
