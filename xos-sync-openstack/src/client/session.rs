//! A token for one scope, kept until shortly before it expires.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::Url;
use tokio::sync::Mutex;
use xos_sync_core::{Secret, http::Wire};

use super::auth::{Answer, Credentials, Identity, Scope};
use super::call::Call;
use super::catalog::Entry;
use super::transport::answer;
use super::{CloudError, Service};

/// How long before its expiry a token is renewed.
const EARLY: Duration = Duration::from_secs(300);

/// Who calls and for what, and the token in use.
pub(super) struct Session {
    credentials: Credentials,
    scope: Scope,
    current: Mutex<Option<Arc<Token>>>,
}

pub(super) struct Token {
    pub(super) id: Secret,
    pub(super) catalog: Vec<Entry>,
    pub(super) identity: Identity,
    expires: Option<SystemTime>,
}

impl Session {
    pub(super) fn new(credentials: Credentials, scope: Scope) -> Self {
        Self { credentials, scope, current: Mutex::new(None) }
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A token that is valid now. Callers that come while another one is fetched wait for the same one.
    pub(super) async fn token(
        &self,
        wire: &Wire,
        keystone: &Url,
    ) -> Result<Arc<Token>, CloudError> {
        let mut current = self.current.lock().await;
        if let Some(known) = current.as_ref().filter(|known| known.lasts(EARLY)) {
            return Ok(known.clone());
        }
        match (self.fetch(wire, keystone).await, current.as_ref()) {
            (Ok(new), _) => Ok(current.insert(Arc::new(new)).clone()),
            // Within the last minutes of its life the old one still serves while Keystone does not answer.
            (Err(error), Some(old))
                if old.lasts(Duration::ZERO) && error.kind().heals_by_waiting() =>
            {
                Ok(old.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Drops a token that a service refused. Says whether there may be another one.
    pub(super) async fn refused(&self, used: &Arc<Token>) -> bool {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, used)) {
            *current = None;
        }
        !matches!(self.credentials, Credentials::Token(_))
    }

    async fn fetch(&self, wire: &Wire, keystone: &Url) -> Result<Token, CloudError> {
        let call = Call::post(Service::Identity, ["auth", "tokens"], "authenticate")
            .body(self.credentials.body(&self.scope))
            .secret([self.credentials.secret()])
            .reading();
        let reply = answer(wire, &call, keystone, None).await?;
        let token = reply.read::<Answer>(&call)?.token;
        let id = reply
            .header("X-Subject-Token")
            .ok_or_else(|| reply.unexpected(&call, "the answer has no token"))?;
        Ok(Token {
            id: Secret::new(id),
            identity: token.identity(),
            expires: token.expires(),
            catalog: token.catalog,
        })
    }
}

impl Token {
    fn lasts(&self, margin: Duration) -> bool {
        self.expires.is_none_or(|expires| expires > SystemTime::now() + margin)
    }
}
