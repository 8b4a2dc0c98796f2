//! The instances.

mod goal;
mod launch;
mod lookup;
mod settle;
mod watch;

use std::time::Duration;

use xos_sync_core::{
    Context, Micros, Outcome, Pending, Reason, Row, StepError, StepResult, SyncStep,
    models::Instance, ready, step::Ready, sync_step,
};

use super::{marks, told};
use crate::client::Ec2;
use goal::Goal;
use lookup::Found;

/// How long a new instance may be unknown to lookups after it was made.
const LATE: Duration = Duration::from_secs(10);

/// Keeps one EC2 instance for each row.
///
/// - **Which.** The one whose tags carry the row's uid. If there are several, the recorded or else the
///   oldest stays and the others are terminated. If there is none, or it was terminated behind our back,
///   one is made: under a client token that follows from the uid and from the instance that was lost, so
///   that repeated calls make one instance and a token of a terminated one is not used again.
/// - **What.** The image is the row's; the type that of its flavor, else of the slice's default flavor,
///   else what the node's name says; the zone the node's; the key pair the creator's, when they have
///   one. Its volumes go away with it.
/// - **Changes.** The name and other tags are changed in place. For another type the instance is stopped,
///   changed and started. Image and zone cannot change: that is an error which says what to do. User data
///   counts at the first boot only. An instance that was stopped is started.
/// - **Waiting.** While EC2 works, the row waits without holding up others.
/// - **Deletion.** Everything that carries the uid is terminated, and its volumes must be gone. To take an
///   instance off EC2, delete its row: one whose `deployment_id` is changed is no longer looked after.
///
/// Of the backend columns, `instance_id` is EC2's id, `instance_uuid` the client token, `instance_name`
/// the name in DNS, `ip` the public address or else the private one, `backend_flavor` and `backend_image`
/// the type and AMI that it has.
#[sync_step(
    provides = Instance,
    interval = 60,
    concurrency = 16,
    only = "instances.deployment_id IN (SELECT d.id FROM deployments AS d WHERE d.name = 'Amazon EC2')"
)]
pub struct SyncInstances {
    ec2: Ec2,
}

impl SyncStep for SyncInstances {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Instance>) -> StepResult {
        watch::list(&self.ec2, cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, instance: &mut Row<Instance>) -> StepResult {
        let goal = Goal::read(cx, instance).await?;
        if let Some(there) = lookup::waited_for(&self.ec2, instance).await? {
            return settle::settle(&self.ec2, &goal, instance, &there).await;
        }
        let found = Found::look(&self.ec2, cx, instance).await?;
        for surplus in &found.surplus {
            tracing::warn!(kept = ?found.kept.as_ref().map(|kept| &kept.instance_id), %surplus,
                "terminating an instance too many for {}", instance.object_ref());
            self.terminate(surplus).await?;
        }
        let there = match found.kept {
            Some(there) => there,
            None => {
                lookup::forget(instance, &found.recorded)?;
                ready!(launch::launch(&self.ec2, cx, &goal, instance, &found.dead).await?)
            }
        };
        if instance.instance_id.as_ref() != Some(&there.instance_id) {
            instance.instance_id = Some(there.instance_id.clone());
            // A token that somebody else made up is no way to find it again.
            if let Some(token) =
                there.client_token.as_ref().filter(|it| it.starts_with(instance.uid()))
            {
                instance.instance_uuid = Some(token.clone());
            }
            cx.save(instance).await?;
        }
        settle::settle(&self.ec2, &goal, instance, &there).await
    }

    async fn delete_record(&self, cx: &Context, instance: &Row<Instance>) -> StepResult {
        let found = Found::look(&self.ec2, cx, instance).await?;
        let living = found.kept.iter().map(|kept| &kept.instance_id).chain(&found.surplus);
        let mut waits = found.leaving.clone();
        for id in living {
            self.terminate(id).await?;
            waits.get_or_insert_with(|| id.clone());
        }
        let since = Micros::now().since(instance.bookkeeping().updated);
        if let Some(id) = waits {
            let after = (since / 4).clamp(Duration::from_secs(1), Duration::from_secs(15));
            let message = format!("waiting for EC2 to terminate {id}");
            return Ok(Outcome::wait(Reason::WAITING_FOR_DELETION, message, after));
        }
        ready!(self.remove_volumes(cx, instance).await?);
        let asked_for = instance.instance_uuid.as_ref().filter(|_| instance.instance_id.is_none());
        let ended =
            |token: &String| found.dead.iter().any(|it| it.client_token.as_ref() == Some(token));
        if asked_for.is_some_and(|token| !ended(token)) {
            // The answer to its creation was lost: it may yet show.
            if let Some(rest) = LATE.checked_sub(since).filter(|rest| !rest.is_zero()) {
                let reason = "making sure that EC2 does not show an instance of it after all";
                return Ok(Outcome::wait(Reason::WAITING_FOR_DELETION, reason, rest));
            }
        }
        Ok(Outcome::Done)
    }
}

impl SyncInstances {
    async fn terminate(&self, id: &str) -> Result<(), StepError> {
        match self.ec2.terminate_instances(&[id]).await {
            Err(error) if !error.is_not_found() => Err(told(error)),
            _ => Ok(()),
        }
    }

    /// Removes volumes that were made with the instance and have outlived it; what to wait for first.
    async fn remove_volumes(
        &self,
        cx: &Context,
        instance: &Row<Instance>,
    ) -> Result<Ready<()>, StepError> {
        let volumes = self.ec2.describe_volumes(&marks::made_for(cx, instance));
        for volume in volumes.all().await.map_err(told)? {
            match volume.state.as_str() {
                "available" | "error" => match self.ec2.delete_volume(&volume.volume_id).await {
                    Err(error) if !error.is_not_found() => return Err(told(error)),
                    _ => {}
                },
                "deleting" | "deleted" => {}
                state => {
                    let id = &volume.volume_id;
                    let message = format!("waiting for the volume {id}, which is {state}");
                    return Ok(wait(Reason::WAITING_FOR_DELETION, message, 2).into());
                }
            }
        }
        Ok(Ready::Continue(()))
    }
}

fn wait(reason: Reason, message: impl Into<String>, seconds: u64) -> Outcome {
    Outcome::wait(reason, message, Duration::from_secs(seconds))
}
