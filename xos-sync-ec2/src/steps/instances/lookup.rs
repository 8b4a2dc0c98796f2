//! What EC2 has of a row.

use xos_sync_core::{Context, Model, StepError, models::Instance};

use super::launch;
use crate::client::{Ec2, Instance as Machine, InstanceQuery};
use crate::steps::marks::{self, UID_TAG};
use crate::steps::told;

/// What EC2 has of a row.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The instance of the row.
    pub(super) kept: Option<Machine>,
    /// The ids of living ones beside it.
    pub(super) surplus: Vec<String>,
    /// Those that are terminated, or will be.
    pub(super) dead: Vec<Machine>,
    /// One that is not terminated yet, but will be.
    pub(super) leaving: Option<String>,
    /// What became of the recorded instance, when it is not the one that is kept.
    pub(super) recorded: Recorded,
}

/// What became of the instance whose id the row has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Recorded {
    /// There is none, or it is well.
    #[default]
    Fine,
    /// EC2 does not show it: it went long ago, or came a moment ago.
    Unknown,
    /// It is terminated, for this reason.
    Dead(String),
    /// It carries the uid of another row.
    Foreign,
}

impl Found {
    /// Looks by tag, and by the recorded id if that did not find it.
    pub(super) async fn look(ec2: &Ec2, cx: &Context, instance: &Instance) -> Result<Self, StepError> {
        let query = marks::made_for(cx, instance)
            .into_iter()
            .fold(InstanceQuery::new(), InstanceQuery::filter);
        let mut machines = ec2.describe_instances(query).all().await.map_err(told)?;
        let mut foreign = false;
        if let Some(id) = instance.instance_id.as_ref()
            && !machines.iter().any(|machine| machine.instance_id == *id)
        {
            let shown = ec2.describe_instances_by_id(&[id]).await.map_err(told)?;
            let ours = |machine: &Machine| machine.tag(UID_TAG).is_none_or(|uid| uid == instance.uid());
            foreign = shown.iter().any(|machine| !ours(machine));
            machines.extend(shown.into_iter().filter(ours));
        }
        let mut found = Self::sort(machines, instance.instance_id.as_deref());
        if foreign && found.recorded == Recorded::Unknown {
            found.recorded = Recorded::Foreign;
        }
        Ok(found)
    }

    /// PURE: which one stays.
    fn sort(machines: Vec<Machine>, recorded: Option<&str>) -> Self {
        let (dead, mut living): (Vec<_>, Vec<_>) =
            machines.into_iter().partition(|machine| machine.state.is_gone());
        living.sort_by(|a, b| {
            let key = |machine: &Machine| {
                let other = Some(machine.instance_id.as_str()) != recorded;
                (other, machine.launch_time.clone(), machine.instance_id.clone())
            };
            key(a).cmp(&key(b))
        });
        let mut living = living.into_iter();
        let kept = living.next();
        let surplus = living.map(|machine| machine.instance_id).collect();
        let leaving = dead.iter().find(|machine| machine.state.as_str() == "shutting-down");
        let became = match recorded {
            Some(id) if kept.as_ref().is_none_or(|kept| kept.instance_id != id) => {
                match dead.iter().find(|machine| machine.instance_id == id) {
                    Some(machine) => Recorded::Dead(reason(machine)),
                    None => Recorded::Unknown,
                }
            }
            _ => Recorded::Fine,
        };
        Self {
            kept,
            surplus,
            leaving: leaving.map(|machine| machine.instance_id.clone()),
            dead,
            recorded: became,
        }
    }
}

fn reason(machine: &Machine) -> String {
    let reason = machine.state_reason.as_deref().unwrap_or("EC2 gives no reason");
    reason.trim_end_matches('.').to_owned()
}

/// Clears what the row says of an instance that is lost, and chooses the token for the next one.
///
/// # Errors
/// When the instance did not live to get an address: said, and tried again after a growing wait, so that
/// what cannot start is not started again and again at once.
pub(super) fn forget(instance: &mut Instance, recorded: &Recorded) -> Result<(), StepError> {
    let Some(id) = instance.instance_id.clone() else { return Ok(()) };
    // An instance that was never seen may have been made a moment ago: the same token finds it.
    let seen = instance.backend_flavor.is_some();
    if *recorded != Recorded::Unknown || seen {
        instance.instance_uuid = Some(launch::token_after(instance.uid(), &id));
    }
    let ran = instance.ip.is_some();
    instance.instance_id = None;
    instance.instance_name = None;
    instance.ip = None;
    instance.backend_flavor = None;
    instance.backend_image = None;
    match recorded {
        Recorded::Dead(reason) if !ran => Err(StepError::transient(format!(
            "EC2 ended {id} before it was running: {reason}; another one is started later"
        ))),
        _ => {
            tracing::warn!(%id, ?recorded, "{} has lost its instance", instance.object_ref());
            Ok(())
        }
    }
}
