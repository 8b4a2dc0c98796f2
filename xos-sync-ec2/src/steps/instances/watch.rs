//! Noticing what happened to instances behind our back.

use std::collections::BTreeMap;

use xos_sync_core::{Context, Pending, StepError, models::Instance};

use crate::client::{Ec2, Instance as Machine, InstanceState};
use crate::steps::rows::Rows;
use crate::steps::told;

/// The rows that have an instance, as far as we know. Those that are pending are looked at anyway.
const SETTLED: &str = "instances.instance_id IS NOT NULL AND enacted >= updated \
                       AND instances.deployment_id IN \
                       (SELECT d.id FROM deployments AS d WHERE d.name = 'Amazon EC2')";

/// Notes each row whose instance is gone, stopped, or not what it was left as. The rows are read first and
/// their instances asked for by id, in chunks: one that is made meanwhile is never taken for missing, and
/// memory does not grow with their number.
pub(super) async fn list(
    ec2: &Ec2,
    cx: &Context,
    pending: &mut Pending<Instance>,
) -> Result<(), StepError> {
    let mut rows = Rows::<Instance>::live(SETTLED, 100);
    while let Some(page) = rows.next(cx).await? {
        let ids: Vec<_> = page.iter().filter_map(|row| row.instance_id.as_ref()).collect();
        let shown = ec2.describe_instances_by_id(&ids).await.map_err(told)?;
        let shown: BTreeMap<_, _> =
            shown.iter().map(|machine| (machine.instance_id.as_str(), machine)).collect();
        let changed = page.iter().filter(|row| {
            let id = row.instance_id.as_deref().unwrap_or_default();
            !shown.get(id).is_some_and(|machine| is_as_left(row, machine))
        });
        pending.sync_again(changed.map(|row| row.id)).await?;
    }
    Ok(())
}

fn is_as_left(row: &Instance, machine: &Machine) -> bool {
    let address = machine.public_ip.as_ref().or(machine.private_ip.as_ref());
    machine.state == InstanceState::Running
        && machine.instance_type == row.backend_flavor
        && address == row.ip.as_ref()
}
