//! From the instance that is there to the one that should be.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use xos_sync_core::{Outcome, Reason, StepError, StepResult, models::Instance};

use super::goal::Goal;
use super::wait;
use crate::client::{Ec2, ErrorKind, Filter, Instance as Machine, InstanceState};
use crate::steps::{marks, told};

/// Changes what can be changed, one thing a call where EC2 needs time for it.
pub(super) async fn settle(
    ec2: &Ec2,
    goal: &Goal,
    instance: &mut Instance,
    there: &Machine,
) -> StepResult {
    check_fixed(goal, there)?;
    let tags = marks::differing(&goal.tags, &there.tags);
    if !tags.is_empty() {
        let ids: Vec<_> = [&there.instance_id].into_iter().chain(&there.volume_ids).collect();
        ec2.create_tags(&ids, &tags).await.map_err(told)?;
    }
    instance.backend_image = Some(goal.ami.clone());
    instance.backend_flavor.clone_from(&there.instance_type);
    if there.instance_type.as_ref().is_some_and(|kind| *kind != goal.instance_type) {
        return resize(ec2, goal, there).await;
    }
    let id = &there.instance_id;
    match &there.state {
        InstanceState::Running => {
            let address = there.public_ip.as_ref().or(there.private_ip.as_ref());
            let Some(address) = address else {
                let message = format!("waiting for the address of {id}");
                return Ok(growing(Reason::WAITING_FOR_ADDRESS, message, there));
            };
            instance.ip = Some(address.clone());
            let name = there.public_dns_name.as_ref().or(there.private_dns_name.as_ref());
            instance.instance_name = name.filter(|name| !name.is_empty()).cloned();
            Ok(Outcome::Done)
        }
        InstanceState::Stopped => {
            ec2.start_instances(&[id]).await.map_err(told)?;
            Ok(wait(Reason::WAITING_FOR_CREATION, format!("starting {id}, which was stopped"), 2))
        }
        InstanceState::Stopping => {
            let message = format!("waiting for {id} to stop, to start it again");
            Ok(wait(Reason::WAITING_FOR_CHANGE, message, 3))
        }
        state => {
            let message = format!("waiting for {id}, which is {state}");
            Ok(growing(Reason::WAITING_FOR_CREATION, message, there))
        }
    }
}

/// What EC2 cannot change.
fn check_fixed(goal: &Goal, there: &Machine) -> Result<(), StepError> {
    let advice = "delete this instance and add another one, or undo the change";
    let id = &there.instance_id;
    if let Some(ami) = there.image_id.as_ref().filter(|ami| **ami != goal.ami) {
        return Err(StepError::terminal(format!(
            "{id} runs the image {ami}, and EC2 cannot change it to {} ({}): {advice}",
            goal.ami, goal.image_name
        )));
    }
    if let Some(zone) = there.zone_name.as_ref().filter(|zone| **zone != goal.zone) {
        return Err(StepError::terminal(format!(
            "{id} is in zone {zone}, and EC2 cannot move it to {}: {advice}",
            goal.zone
        )));
    }
    Ok(())
}

/// The next step to another type; what to wait for.
async fn resize(ec2: &Ec2, goal: &Goal, there: &Machine) -> StepResult {
    let (id, kind) = (&there.instance_id, goal.instance_type.as_str());
    match &there.state {
        InstanceState::Running => {
            check_offered(ec2, goal).await?;
            ec2.stop_instances(&[id]).await.map_err(told)?;
            Ok(wait(Reason::WAITING_FOR_CHANGE, format!("stopping {id}, to make it a {kind}"), 1))
        }
        InstanceState::Stopped => {
            if let Err(error) = ec2.modify_instance_type(id, kind).await {
                if error.kind() == ErrorKind::Invalid {
                    // It stays what it was, and is not left stopped for a goal that cannot be.
                    ec2.start_instances(&[id]).await.map_err(told)?;
                }
                return Err(told(error));
            }
            ec2.start_instances(&[id]).await.map_err(told)?;
            Ok(wait(Reason::WAITING_FOR_CHANGE, format!("starting {id}, which is now a {kind}"), 1))
        }
        state => {
            let message = format!("waiting for {id}, which is {state}, to make it a {kind}");
            Ok(wait(Reason::WAITING_FOR_CHANGE, message, 2))
        }
    }
}

/// Asked before the instance is stopped: a type that does not exist must not cost it.
async fn check_offered(ec2: &Ec2, goal: &Goal) -> Result<(), StepError> {
    let filters = [
        Filter::new("location", [&goal.zone]),
        Filter::new("instance-type", [&goal.instance_type]),
    ];
    let offered = ec2.describe_instance_type_offerings(&filters).all().await.map_err(told)?;
    if offered.is_empty() {
        return Err(StepError::terminal(format!(
            "EC2 does not offer the instance type {} in zone {}: choose another flavor or node",
            goal.instance_type, goal.zone
        )));
    }
    Ok(())
}

/// Looks again soon while the instance is young, and less often later.
fn growing(reason: Reason, message: String, there: &Machine) -> Outcome {
    let started = there.launch_time.as_deref();
    let started = started.and_then(|time| DateTime::from_str(time, Format::DateTime).ok());
    let age = started
        .and_then(|time| SystemTime::try_from(time).ok())
        .and_then(|time| SystemTime::now().duration_since(time).ok())
        .unwrap_or_default();
    let wait = (age / 4).clamp(Duration::from_secs(1), Duration::from_secs(30));
    Outcome::wait(reason, message, wait)
}
