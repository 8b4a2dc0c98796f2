//! A key pair for each user that has a public key.

use std::collections::BTreeSet;

use aws_smithy_types::base64;
use xos_sync_core::{
    Context, Outcome, Pending, Row, StepError, StepResult, SyncStep, models::User, sync_step,
};

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
            let gone = |user: &&Row<User>| {
                let name = user.key_name.as_ref();
                let present = name.is_none_or(|name| there.contains(name));
                !present && is_news(user.bookkeeping(), false)
            };
            pending.sync_again(page.iter().filter(gone).map(|row| row.id)).await?;
        }
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, user: &mut Row<User>) -> StepResult {
        let name = key_name(user);
        let wanted = user.public_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
        let Some(wanted) = wanted.map(str::to_owned) else {
            self.ec2.delete_key_pair(&name).await.map_err(told)?;
            (user.key_name, user.key_fingerprint) = (None, None);
            return Ok(Outcome::Done);
        };
        if !is_key(&wanted) {
            return Err(no_key(user, "EC2 takes keys of the types ssh-ed25519 and ssh-rsa"));
        }
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
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, user: &Row<User>) -> StepResult {
        self.ec2.delete_key_pair(&key_name(user)).await.map_err(told)?;
        Ok(Outcome::Done)
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
fn key_name(user: &Row<User>) -> String {
    format!("xos-{}", user.uid())
}

fn refused(error: Ec2Error, user: &User) -> StepError {
    match error.kind() {
        ErrorKind::Invalid => no_key(user, error.message().trim_end_matches('.')),
        _ => told(error),
    }
}

fn no_key(user: &User, why: &str) -> StepError {
    StepError::terminal(format!(
        "the public key of {} cannot be used: {why}; put an SSH public key into `public_key`, on one line, such as \
         the content of ~/.ssh/id_ed25519.pub",
        user.email,
    ))
}

/// Whether it is an OpenSSH key of a type that EC2 takes, as far as can be seen. Keys in RFC 4716's form
/// are left to EC2.
fn is_key(text: &str) -> bool {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("ssh-ed25519" | "ssh-rsa"), Some(body)) => {
            body.len() >= 64 && base64::decode(body).is_ok()
        }
        (Some("----"), _) => true,
        _ => false,
    }
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
    use super::{is_key, is_same};

    #[test]
    fn what_cannot_be_a_key_is_known() {
        let body = "AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X";
        assert!(
            is_key(&format!("ssh-ed25519 {body} alice"))
                && is_key("---- BEGIN SSH2 PUBLIC KEY ----")
        );
        for wrong in [
            "",
            "ssh-rsa",
            "ssh-rsa AAAA",
            "under the mat",
            &format!("ecdsa {body}"),
            &format!("ssh-rsa !{body}"),
        ] {
            assert!(!is_key(wrong), "{wrong}");
        }
    }

    #[test]
    fn comments_do_not_matter() {
        assert!(is_same("ssh-ed25519 AAAA alice", "ssh-ed25519  AAAA\n"));
        assert!(!is_same("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"));
    }
}
