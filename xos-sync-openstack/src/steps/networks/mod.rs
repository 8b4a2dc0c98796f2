//! The networks, with their subnets and routers.

mod find;
mod goal;
mod ranges;
mod remove;
mod router;
mod settle;
mod watch;

use xos_sync_core::{
    Context, Outcome, Pending, Row, StepResult, SyncStep,
    models::{ControllerNetwork, Network},
    ready, sync_step,
};

use crate::Clouds;
use goal::Goal;

/// Keeps one Neutron network with one subnet on each controller, in the project of the slice that owns
/// the network.
///
/// - **Which.** Those whose description carries the uid of the `ControllerNetwork`. If there are several,
///   the recorded or else the first stays, and the others are deleted.
/// - **Addresses.** `Network.subnet` when it says something. Otherwise a /24 of 10.0.0.0/8 that follows from
///   the row's key, `10.(key / 256).(key % 256).0/24`. From the 65,537th key on, and where a range is in use
///   by another network or overlaps with one that a person has chosen, it is the next free one. It is
///   recorded in `subnet` and kept for life. Neutron cannot change the addresses of a subnet: that is an
///   error which says what to do.
/// - **Way out.** With a template whose `translation` is `nat` there is a router, with its gateway in the
///   cloud's external network (the first by name, if it has several).
/// - **Shared networks.** With a template that names one, nothing is made, changed or deleted: the network
///   is looked up and recorded.
/// - **Deletion.** Interface, router, subnet, network, once nothing else is connected with it.
///
/// The listing finds what is gone, renamed or cut off, and networks whose template changed.
#[sync_step(
    provides = Network,
    observes = ControllerNetwork,
    interval = 300,
    concurrency = 8,
    only = "controller_networks.controller_id IN \
            (SELECT c.id FROM controllers AS c WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncControllerNetworks {
    clouds: Clouds,
}

impl SyncStep for SyncControllerNetworks {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerNetwork>,
    ) -> StepResult {
        watch::list(&self.clouds, cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<ControllerNetwork>) -> StepResult {
        let cloud = self.clouds.of(cx, row.controller_id).await?;
        let goal = ready!(Goal::read(cx, row).await?);
        match &goal.shared {
            Some(shared) => shared.record(&cloud, row).await?,
            None => settle::settle(&cloud, cx, &goal, row).await?,
        }
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, cx: &Context, row: &Row<ControllerNetwork>) -> StepResult {
        let cloud = self.clouds.of(cx, row.controller_id).await?;
        remove::remove(&cloud, cx, row).await
    }
}
