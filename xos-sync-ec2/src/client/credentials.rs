//! Credentials, kept until shortly before they expire.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;
use xos_sync_core::error::chain;

/// How long before their expiry credentials are renewed.
const EARLY: Duration = Duration::from_secs(300);
/// How long loading them may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The credentials in use, and where to get new ones.
pub(super) struct CredentialCache {
    provider: SharedCredentialsProvider,
    current: Mutex<Option<Credentials>>,
}

/// Why there are no credentials.
#[derive(Debug)]
pub(super) struct CredentialFailure {
    /// For the user.
    pub(super) text: String,
    /// Whether it may heal by itself: the source did not answer, as opposed to there being none.
    pub(super) transient: bool,
}

impl CredentialCache {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, current: Mutex::new(None) }
    }

    /// Credentials that are valid now. Callers that come while others load wait for the same ones.
    ///
    /// Within the last minutes of their life the old ones still serve if their source does not answer.
    pub(super) async fn get(&self) -> Result<Credentials, CredentialFailure> {
        let mut current = self.current.lock().await;
        if let Some(known) = current.as_ref().filter(|known| lasts(known, EARLY)) {
            return Ok(known.clone());
        }
        let answer = match tokio::time::timeout(PATIENCE, self.provider.provide_credentials()).await
        {
            Ok(answer) => answer.map_err(|error| CredentialFailure::new(&error)),
            Err(_) => Err(CredentialFailure {
                text: format!("their source did not answer within {} seconds", PATIENCE.as_secs()),
                transient: true,
            }),
        };
        match (answer, current.as_ref()) {
            (Ok(new), _) => Ok(current.insert(new).clone()),
            (Err(_), Some(old)) if lasts(old, Duration::ZERO) => Ok(old.clone()),
            (Err(error), _) => Err(error),
        }
    }

    /// Drops credentials that AWS called expired. Says whether asking again can give other ones: those
    /// without an expiry come from a fixed setting and stay as they are.
    pub(super) async fn expired(&self, used: &Credentials) -> bool {
        let mut current = self.current.lock().await;
        if current.as_ref() == Some(used) {
            *current = None;
        }
        used.expiry().is_some()
    }
}

fn lasts(credentials: &Credentials, margin: Duration) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + margin)
}

impl CredentialFailure {
    fn new(error: &CredentialsError) -> Self {
        let transient = !matches!(
            error,
            CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)
        );
        Self { text: chain(error), transient }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::future;

    use super::*;

    /// Gives numbered keys of the same lifetime, and fails once it has given `limit`.
    #[derive(Debug)]
    struct Numbered {
        given: Arc<AtomicU32>,
        life: Duration,
        limit: u32,
    }

    impl ProvideCredentials for Numbered {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.given.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::ready(if number < self.limit {
                let expiry = SystemTime::now() + self.life;
                Ok(Credentials::new(format!("key{number}"), "hush", None, Some(expiry), "test"))
            } else {
                Err(CredentialsError::provider_error("the source is down"))
            })
        }
    }

    fn cache(life: u64, limit: u32) -> (CredentialCache, Arc<AtomicU32>) {
        let given = Arc::new(AtomicU32::new(0));
        let provider = Numbered { given: given.clone(), life: Duration::from_secs(life), limit };
        (CredentialCache::new(SharedCredentialsProvider::new(provider)), given)
    }

    #[tokio::test]
    async fn long_lived_ones_are_loaded_once_and_again_when_aws_calls_them_expired() {
        let (cache, given) = cache(3600, 9);
        let first = cache.get().await.unwrap();
        assert_eq!(cache.get().await.unwrap(), first);
        assert_eq!(given.load(Ordering::Relaxed), 1);
        assert!(cache.expired(&first).await);
        assert_eq!(cache.get().await.unwrap().access_key_id(), "key1");
        // A late report about old ones does not drop the new ones.
        assert!(cache.expired(&first).await);
        assert_eq!(cache.get().await.unwrap().access_key_id(), "key1");
    }

    #[tokio::test]
    async fn old_ones_serve_until_they_expire_while_the_source_is_down() {
        let (cache, given) = cache(60, 1);
        assert_eq!(cache.get().await.unwrap().access_key_id(), "key0");
        assert_eq!(cache.get().await.unwrap().access_key_id(), "key0");
        assert_eq!(given.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_source_that_is_down_is_a_transient_failure() {
        let (cache, _) = cache(60, 0);
        let failure = cache.get().await.unwrap_err();
        assert!(failure.transient && failure.text.contains("the source is down"), "{failure:?}");
    }
}
