//! A key pair for each user that has a public key.

use std::collections::BTreeSet;

use async_trait::async_trait;
use xos_sync_core::{Context, Model, Pending, StepError, StepResult, SyncStep, models::User, sync_step};

use super::rows::{Rows, is_news};
use super::{marks, told};
use crate::client::{Ec2, Ec2Error, ErrorKind, Filter, KeyPair, KeyPairQuery};

/// Gives EC2 the public key of each user that has one, as a key pair named after the user's uid. A changed
/// key replaces it; running instances keep the one that they were started with.
#[sync_step(
    provides = User,
    interval = 3600,
    only = "users.public_key IS NOT NULL OR users.key_name IS NOT NULL"
)]
pub struct SyncUsers {
    ec2: Ec2,
}

#[async_trait]
impl SyncStep for SyncUsers {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<User>) -> StepResult {
        // 200 is the most that a filter of EC2 takes.
        let mut rows = Rows::<User>::live("users.key_name IS NOT NULL", 200);
        while let Some(page) = rows.next(cx).await? {
            let names = page.iter().filter_map(|user| user.key_name.as_ref());
            let there: BTreeSet<_> = self
                .find(names.cloned())
                .await
                .map_err(told)?
                .into_iter()
                .map(|key| key.key_name)
                .collect();
            let gone = |user: &&User| {
                let name = user.key_name.as_ref();
                let present = name.is_none_or(|name| there.contains(name));
                !present && is_news(&user.bookkeeping, false)
            };
            pending.sync_again(page.iter().filter(gone).map(User::id)).await?;
        }
        Ok(())
    }

    async fn sync_record(&self, cx: &Context, user: &mut User) -> StepResult {
        let name = key_name(user);
        let wanted = user.public_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
        let Some(wanted) = wanted.map(str::to_owned) else {
            self.ec2.delete_key_pair(&name).await.map_err(told)?;
            (user.key_name, user.key_fingerprint) = (None, None);
            return Ok(());
        };
        // Before the import, so that a deletion after a crash knows that there may be one.
        if user.key_name.is_none() {
            user.key_name = Some(name.clone());
            cx.save(user).await?;
        }
        let found = self.find([name.clone()]).await.map_err(told)?.pop();
        let fingerprint = match found {
            Some(key) if key.public_key.as_deref().is_some_and(|key| is_same(key, &wanted)) => {
                key.fingerprint
            }
            other => {
                if other.is_some() {
                    self.ec2.delete_key_pair(&name).await.map_err(told)?;
                }
                let tags = marks::tags(cx, user, &user.email);
                let made = self.ec2.import_key_pair(&name, &wanted, &tags).await;
                made.map_err(|error| refused(error, user))?.fingerprint
            }
        };
        user.key_name = Some(name);
        user.key_fingerprint = fingerprint;
        Ok(())
    }

    async fn delete_record(&self, _: &Context, user: &User) -> StepResult {
        self.ec2.delete_key_pair(&key_name(user)).await.map_err(told)
    }
}

impl SyncUsers {
    async fn find(
        &self,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Vec<KeyPair>, Ec2Error> {
        let query = KeyPairQuery::new().filter(Filter::new("key-name", names));
        self.ec2.describe_key_pairs(query).await
    }
}

/// The uid is never used again, so the key of a user who was deleted and added anew is another one.
fn key_name(user: &User) -> String {
    format!("xos-{}", user.uid())
}

fn refused(error: Ec2Error, user: &User) -> StepError {
    if error.kind() == ErrorKind::Invalid {
        return StepError::terminal(format!(
            "EC2 does not take the public key of {}: {}; put an SSH public key (ssh-ed25519 or ssh-rsa, one line) \
             into `public_key`",
            user.email,
            error.message().trim_end_matches('.'),
        ));
    }
    told(error)
}

/// Whether two keys in OpenSSH's form are the same but for the comment.
fn is_same(one: &str, other: &str) -> bool {
    let key = |text: &str| -> Vec<String> {
        text.split_whitespace().take(2).map(str::to_owned).collect()
    };
    key(one) == key(other)
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn comments_do_not_matter() {
        assert!(is_same("ssh-ed25519 AAAA alice", "ssh-ed25519  AAAA\n"));
        assert!(!is_same("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"));
    }
}
