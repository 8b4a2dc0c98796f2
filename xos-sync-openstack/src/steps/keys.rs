//! Key pairs, which are known by their names alone.

use std::collections::HashMap;

use xos_sync_core::{Row, StepError, models::User};

use super::answers::{found, gone};
use crate::client::{Cloud, CloudError, ErrorKind, KeyPair};

/// The name of the key pair of the user with this uid. It belongs to the user that the Synchronizer logs
/// in as, because that one makes the servers.
pub(super) fn key_name(user_uid: &str) -> String {
    format!("xos-{user_uid}")
}

/// Makes, replaces or deletes a user's key pair, as the public key asks for.
pub(super) async fn settle(cloud: &Cloud, user: &Row<User>) -> Result<(), StepError> {
    let name = key_name(user.uid());
    let there = found(cloud.key_pair(&name, None).await)?;
    let wanted = wanted(user);
    if is_as_wanted(wanted, there.as_ref()) {
        return Ok(());
    }
    if there.is_some() {
        delete(cloud, user.uid()).await?;
    }
    let Some(wanted) = wanted else { return Ok(()) };
    match cloud.create_key_pair(&name, wanted, None).await {
        Err(error) if error.kind() == ErrorKind::Invalid => Err(StepError::terminal(format!(
            "the public key of {} cannot be used: {}; put an SSH public key into `public_key`, on one line, \
             such as the content of ~/.ssh/id_ed25519.pub",
            user.email,
            error.message().trim_end_matches('.'),
        ))),
        made => made.map(drop).map_err(CloudError::into_step_error),
    }
}

/// Deletes a user's key pair, if there is one.
pub(super) async fn delete(cloud: &Cloud, user_uid: &str) -> Result<(), StepError> {
    gone(cloud.delete_key_pair(&key_name(user_uid), None).await)
}

/// All key pairs of the user that the Synchronizer logs in as, by name.
pub(super) async fn all(cloud: &Cloud) -> Result<HashMap<String, KeyPair>, StepError> {
    let keys = cloud.key_pairs(None).await.map_err(CloudError::into_step_error)?;
    Ok(keys.into_iter().map(|key| (key.name.clone(), key)).collect())
}

/// Whether a user's key pair among these is as the public key asks for.
pub(super) fn is_settled(user: &Row<User>, keys: &HashMap<String, KeyPair>) -> bool {
    is_as_wanted(wanted(user), keys.get(&key_name(user.uid())))
}

fn wanted(user: &User) -> Option<&str> {
    user.public_key.as_deref().map(str::trim).filter(|key| !key.is_empty())
}

fn is_as_wanted(wanted: Option<&str>, there: Option<&KeyPair>) -> bool {
    match (wanted, there) {
        (None, None) => true,
        (Some(wanted), Some(there)) => is_same(wanted, &there.public_key),
        _ => false,
    }
}

/// Whether two keys in OpenSSH's form are the same but for the comment.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace().take(2).eq(other.split_whitespace().take(2))
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn comments_do_not_matter() {
        assert!(is_same("ssh-ed25519 AAAA alice", "ssh-ed25519  AAAA\n"));
        assert!(!is_same("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"));
        assert!(!is_same("ssh-ed25519 AAAA", "ssh-ed25519"));
    }
}
