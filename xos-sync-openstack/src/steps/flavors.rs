//! The sizes that clouds offer.

use std::collections::{BTreeMap, HashSet};

use xos_sync_core::{
    Context, Model, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    error::BackendClass,
    models::{Controller, Flavor, NewFlavor},
    sync_step,
};

use super::scope::{controllers, first_error, rows};
use crate::Clouds;
use crate::client::{CloudError, Flavor as Found};

/// Adds a flavor for each that a cloud has, by its name, and says of those that no cloud has that they are
/// not there. Changes nothing on a cloud. Flavors that instances of other backends use are left alone.
///
/// A flavor that is deleted comes back with the next listing, as long as a cloud has it.
#[sync_step(
    provides = Flavor,
    interval = 3600,
    concurrency = 4,
    only = "EXISTS (SELECT 1 FROM controllers AS c WHERE c.backend_type = 'OpenStack') \
            AND NOT EXISTS (SELECT 1 FROM instances AS i WHERE i.flavor_id = flavors.id AND i.node_id NOT IN \
            (SELECT n.id FROM nodes AS n JOIN site_deployments AS l ON l.id = n.site_deployment_id \
            JOIN controllers AS c ON c.id = l.controller_id WHERE c.backend_type = 'OpenStack'))"
)]
pub struct SyncFlavors {
    clouds: Clouds,
}

impl SyncStep for SyncFlavors {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Flavor>) -> StepResult {
        let known = rows::<Flavor>(cx, "TRUE".to_owned()).await?;
        let (there, errors) = self.all(cx).await?;
        let names: HashSet<_> = known.iter().map(|flavor| flavor.flavor.as_str()).collect();
        let missing = there.values().filter(|it| !names.contains(it.name.as_str())).map(|it| {
            let new = NewFlavor::new(&it.name, &it.name);
            NewFlavor { description: Some(described(it)), ..new }
        });
        let missing = missing.collect();
        // What a cloud that did not answer has is not known.
        let complete = errors.is_empty();
        let news = |row: &&Row<Flavor>| {
            let kept = row.bookkeeping();
            match there.contains_key(&row.flavor) {
                true => kept.backend_class == Some(BackendClass::Terminal),
                false => complete && !kept.is_pending(),
            }
        };
        pending.sync_again(known.iter().filter(news).map(|row| row.id())).await?;
        pending.add(missing).await?;
        first_error(errors)?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<Flavor>) -> StepResult {
        let mut errors = Vec::new();
        for controller in controllers(cx).await? {
            match self.flavors_of(cx, &controller).await {
                Ok(there) if there.iter().any(|it| it.name == row.flavor) => {
                    return Ok(Outcome::Done);
                }
                Ok(_) => {}
                Err(error) => errors.push(error),
            }
        }
        first_error(errors)?;
        Err(StepError::terminal(format!(
            "no cloud has a flavor {}: put the name of one that there is into `flavor`",
            row.flavor
        )))
    }

    async fn delete_record(&self, _: &Context, _: &Row<Flavor>) -> StepResult {
        Ok(Outcome::Done)
    }
}

impl SyncFlavors {
    /// The flavors of all controllers that answer, and what the others say.
    async fn all(
        &self,
        cx: &Context,
    ) -> Result<(BTreeMap<String, Found>, Vec<StepError>), StepError> {
        let (mut there, mut errors) = (BTreeMap::new(), Vec::new());
        for controller in controllers(cx).await? {
            match self.flavors_of(cx, &controller).await {
                Ok(flavors) => {
                    for flavor in flavors {
                        there.entry(flavor.name.clone()).or_insert(flavor);
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        Ok((there, errors))
    }

    async fn flavors_of(
        &self,
        cx: &Context,
        controller: &Row<Controller>,
    ) -> Result<Vec<Found>, StepError> {
        let cloud = self.clouds.of(cx, controller.id).await?;
        cloud.flavors().all().await.map_err(CloudError::into_step_error)
    }
}

fn described(flavor: &Found) -> String {
    format!("{} vCPU, {} MB, {} GB", flavor.vcpus, flavor.ram, flavor.disk)
}
