//! Making an instance, once.

use xos_sync_core::{Context, Pending, Reason, Row, StepError, models::Instance, step::Ready};

use super::goal::Goal;
use super::wait;
use crate::client::{Ec2, Ec2Error, ErrorKind, Instance as Machine, RunInstance};
use crate::steps::{images, told};

/// Tokens in a row that belong to terminated instances.
const MOST_SPENT: usize = 8;

/// Makes the instance, or finds that it was made.
pub(super) async fn launch(
    ec2: &Ec2,
    cx: &Context,
    goal: &Goal,
    instance: &mut Row<Instance>,
    dead: &[Machine],
) -> Result<Ready<Machine>, StepError> {
    let ami = images::find(ec2, &goal.ami).await?;
    let before = instance.instance_uuid.clone();
    let mut token = before.clone().unwrap_or_else(|| instance.uid().to_owned());
    let of_dead =
        |token: &str| dead.iter().find(|dead| dead.client_token.as_deref() == Some(token));
    while let Some(dead) = of_dead(&token) {
        token = token_after(instance.uid(), &dead.instance_id);
    }
    let mut wanted = RunInstance {
        key_name: goal.key_name.clone(),
        user_data: instance.user_data.clone().map(String::into_bytes),
        zone_name: Some(goal.zone.clone()),
        disposable_devices: ami.block_devices,
        tags: goal.tags.clone(),
        ..RunInstance::new("", &goal.ami, &goal.instance_type)
    };
    wanted.disposable_devices.retain(|device| !device.delete_on_termination);
    for _ in 0..MOST_SPENT {
        // On disk before the call: a deletion after a lost answer knows that something may be there.
        instance.instance_uuid = Some(token.clone());
        cx.save(instance).await?;
        wanted.client_token.clone_from(&token);
        match ec2.run_instance(&wanted).await {
            Ok(made) if made.state.is_gone() => {
                token = token_after(instance.uid(), &made.instance_id);
            }
            Ok(made) => return Ok(Ready::Continue(made)),
            Err(error) if error.kind() == ErrorKind::IdempotentTerminated => token = next(&token),
            Err(error) if error.kind() == ErrorKind::IdempotentMismatch => {
                return Ok(wait(
                    Reason::WAITING_FOR_CREATION,
                    "waiting for EC2 to show the instance that an earlier call made",
                    2,
                )
                .into());
            }
            Err(error) => {
                if !error.outcome_unknown() {
                    instance.instance_uuid = before;
                }
                return Err(refused(cx, goal, instance, error).await);
            }
        }
    }
    Err(StepError::transient(format!(
        "EC2 says of {MOST_SPENT} client tokens in a row, the last one {token}, that their instances are terminated"
    )))
}

/// The token for the instance that takes the place of a lost one. At most 64 characters, as EC2 wants.
pub(super) fn token_after(uid: &str, lost: &str) -> String {
    format!("{uid}.{lost}")
}

/// The token after one whose instance is terminated and not shown any more.
fn next(token: &str) -> String {
    let numbered =
        token.rsplit_once('+').and_then(|(base, n)| Some((base, n.parse::<u32>().ok()?)));
    match numbered {
        Some((base, n)) => format!("{base}+{}", n.saturating_add(1)),
        None => format!("{token}+1"),
    }
}

/// What to tell when EC2 makes none.
async fn refused(cx: &Context, goal: &Goal, instance: &Instance, error: Ec2Error) -> StepError {
    let code = error.code().unwrap_or_default();
    if code.contains("KeyPair") && error.is_not_found() {
        if let Some(creator) = instance.creator_id {
            // Whoever took the key pair away: its own step puts it back.
            if let Err(error) = Pending::new(cx.clone()).sync_again([creator]).await {
                return error.into();
            }
        }
        return StepError::transient(format!("{error}; the key pair is put back first"));
    }
    if code.contains("AMI") && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) {
        return StepError::terminal(format!(
            "{error}; choose another image than {} for it, or put the id of another AMI into the image's `path`",
            goal.image_name
        ))
        .because(Reason::IMAGE_NOT_FOUND);
    }
    match error.kind() {
        ErrorKind::NotFound => StepError::transient(error.to_string()),
        _ => told(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_never_the_same_and_short_enough() {
        let uid = "0123456789abcdef0123456789abcdef";
        let after = token_after(uid, "i-0123456789abcdef0");
        let tokens = [uid.to_owned(), next(uid), next(&next(uid)), after.clone(), next(&after)];
        for (at, token) in tokens.iter().enumerate() {
            assert!(token.len() <= 64 && !tokens[..at].contains(token), "{token}");
        }
        assert_eq!(next("a+9"), "a+10");
    }
}
