//! What EC2 has of a row.

use xos_sync_core::{Context, Row, StepError, error::BackendClass, models::Instance};

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
    pub(super) async fn look(
        ec2: &Ec2,
        cx: &Context,
        instance: &Row<Instance>,
    ) -> Result<Self, StepError> {
        let query = marks::made_for(cx, instance)
            .into_iter()
            .fold(InstanceQuery::new(), InstanceQuery::filter);
        let mut machines = ec2.describe_instances(query).all().await.map_err(told)?;
        let mut foreign = false;
        if let Some(id) = instance.instance_id.as_ref()
            && !machines.iter().any(|machine| machine.instance_id == *id)
        {
            let shown = ec2.describe_instances_by_id(&[id]).await.map_err(told)?;
            let ours =
                |machine: &Machine| machine.tag(UID_TAG).is_none_or(|uid| uid == instance.uid());
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

/// The instance that the row is waiting for, by its id: that costs EC2 less than to look by tag, which was
/// done before the wait began. None when there is no such wait, or the instance is gone.
pub(super) async fn waited_for(
    ec2: &Ec2,
    instance: &Row<Instance>,
) -> Result<Option<Machine>, StepError> {
    let waits = instance.bookkeeping().backend_class == Some(BackendClass::Waiting);
    let Some(id) = instance.instance_id.as_ref().filter(|_| waits) else { return Ok(None) };
    let shown = ec2.describe_instances_by_id(&[id]).await.map_err(told)?;
    let living = |it: &Machine| !it.state.is_gone() && it.tag(UID_TAG) == Some(instance.uid());
    Ok(shown.into_iter().find(living))
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
pub(super) fn forget(instance: &mut Row<Instance>, recorded: &Recorded) -> Result<(), StepError> {
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

#[cfg(test)]
mod tests {
    use xos_sync_core::model::Bookkeeping;
    use xos_sync_core::models::Isolation;
    use xos_sync_core::{Id, Micros};

    use super::*;
    use crate::client::InstanceState;

    fn machine(id: &str, state: &str, launched: &str) -> Machine {
        Machine {
            instance_id: id.to_owned(),
            state: InstanceState::from(state),
            state_reason: Some("no room.".to_owned()),
            image_id: None,
            instance_type: None,
            key_name: None,
            zone_name: None,
            private_ip: None,
            public_ip: None,
            private_dns_name: None,
            public_dns_name: None,
            launch_time: Some(launched.to_owned()),
            client_token: None,
            volume_ids: Vec::new(),
            tags: Vec::new(),
        }
    }

    fn row(id: Option<&str>, ran: bool, seen: bool) -> Row<Instance> {
        let bookkeeping = Bookkeeping {
            sync_id: 1,
            uid: "u".to_owned(),
            created: Micros(0),
            updated: Micros(0),
            enacted: None,
            deleted: false,
            no_sync: false,
            lazy_blocked: false,
            backend_status: None,
            backend_class: None,
            backend_reason: None,
            attempts: 0,
            retry_at: None,
            attempted: false,
            resync_at: None,
        };
        let instance = Instance {
            id: Id::new(1),
            name: "web".to_owned(),
            slice_id: Id::new(1),
            image_id: Id::new(1),
            deployment_id: Id::new(1),
            node_id: Id::new(1),
            flavor_id: None,
            creator_id: None,
            isolation: Isolation::Vm,
            parent_id: None,
            number_cores: 0,
            user_data: None,
            volumes: None,
            instance_id: id.map(str::to_owned),
            instance_uuid: Some("u".to_owned()),
            instance_name: None,
            ip: ran.then(|| "10.0.0.1".to_owned()),
            backend_flavor: seen.then(|| "t3.micro".to_owned()),
            backend_image: None,
        };
        Row::new(bookkeeping, instance)
    }

    #[test]
    fn the_recorded_or_else_the_oldest_one_stays() {
        let all = || {
            vec![
                machine("i-1", "running", "2026-01-02"),
                machine("i-2", "pending", "2026-01-01"),
                machine("i-3", "stopped", "2026-01-03"),
                machine("i-4", "terminated", "2025-01-01"),
                machine("i-5", "shutting-down", "2025-01-01"),
            ]
        };
        let found = Found::sort(all(), None);
        assert_eq!(found.kept.map(|kept| kept.instance_id).as_deref(), Some("i-2"));
        assert_eq!(found.surplus, ["i-1", "i-3"]);
        assert_eq!((found.dead.len(), found.leaving.as_deref()), (2, Some("i-5")));

        let found = Found::sort(all(), Some("i-3"));
        assert_eq!(found.kept.map(|kept| kept.instance_id).as_deref(), Some("i-3"));
        assert_eq!(found.recorded, Recorded::Fine);
        assert_eq!(Found::sort(all(), Some("i-4")).recorded, Recorded::Dead("no room".to_owned()));
        assert_eq!(Found::sort(all(), Some("i-9")).recorded, Recorded::Unknown);
    }

    #[test]
    fn a_lost_instance_gives_way_to_one_under_another_token() {
        let dead = Recorded::Dead("terminated by user".to_owned());
        for (recorded, seen) in
            [(&dead, true), (&Recorded::Unknown, true), (&Recorded::Foreign, false)]
        {
            let mut lost = row(Some("i-1"), true, seen);
            forget(&mut lost, recorded).unwrap();
            assert_eq!(lost.instance_uuid.as_deref(), Some("u.i-1"));
            let left = (&lost.instance_id, &lost.ip, &lost.backend_flavor);
            assert_eq!(left, (&None, &None, &None));
        }
    }

    #[test]
    fn an_instance_that_ec2_does_not_show_yet_is_asked_for_under_the_same_token() {
        let mut late = row(Some("i-1"), false, false);
        forget(&mut late, &Recorded::Unknown).unwrap();
        assert_eq!((late.instance_id.as_deref(), late.instance_uuid.as_deref()), (None, Some("u")));
    }

    #[test]
    fn an_instance_that_never_ran_is_an_error_that_waits() {
        let mut failed = row(Some("i-1"), false, true);
        let error = forget(&mut failed, &Recorded::Dead("no room".to_owned())).unwrap_err();
        assert!(
            error.message().contains("EC2 ended i-1 before it was running: no room"),
            "{error}"
        );
        assert_eq!(
            (failed.instance_id.as_deref(), failed.instance_uuid.as_deref()),
            (None, Some("u.i-1"))
        );
    }
}
