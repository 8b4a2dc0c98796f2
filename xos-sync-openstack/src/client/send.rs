//! Calls with a token, and what their answers hold.

use std::sync::Arc;

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::call::Call;
use super::catalog::address;
use super::session::Token;
use super::transport::{self, Reply};
use super::{Cloud, CloudError, ErrorKind};

impl Cloud {
    /// Carries out a call whose answer says nothing.
    pub(super) async fn act(&self, call: Call) -> Result<(), CloudError> {
        self.answer(&call).await.map(drop)
    }

    /// Carries out a call whose answer is `{"key": …}`.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        call: Call,
        key: &str,
    ) -> Result<T, CloudError> {
        let reply = self.answer(&call).await?;
        let mut body = reply.read::<Map<String, Value>>(&call)?;
        let Some(value) = body.remove(key) else {
            return Err(reply.unexpected(&call, &format!("the answer lacks {key}")));
        };
        value_of(&call, &reply, value)
    }

    /// Carries out a call whose answer is the thing itself.
    pub(super) async fn read_whole<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<T, CloudError> {
        self.answer(&call).await?.read(&call)
    }

    /// The successful answer. A token that is refused is renewed once: what it was refused for was not
    /// carried out.
    pub(super) async fn answer(&self, call: &Call) -> Result<Reply, CloudError> {
        let wire = &self.shared.wire;
        let token = self.token().await?;
        let base = self.base(call, &token)?;
        match transport::answer(wire, call, &base, Some(&token.id)).await {
            Err(error)
                if error.kind() == ErrorKind::Unauthorized
                    && self.session.refused(&token).await =>
            {
                let token = self.token().await?;
                transport::answer(wire, call, &base, Some(&token.id)).await
            }
            other => other,
        }
    }

    pub(super) async fn token(&self) -> Result<Arc<Token>, CloudError> {
        self.session.token(&self.shared.wire, &self.shared.keystone).await
    }

    /// Where a call goes.
    pub(super) fn base(&self, call: &Call, token: &Token) -> Result<Url, CloudError> {
        let shared = &self.shared;
        if let Some(given) = shared.addresses.get(&call.service) {
            return Ok(given.clone());
        }
        address(&token.catalog, call.service, shared.interface, shared.region.as_deref())
            .map_err(|why| call.error(ErrorKind::Invalid, why).into())
    }
}

/// A part of an answer as what it must be.
pub(super) fn value_of<T: DeserializeOwned>(
    call: &Call,
    reply: &Reply,
    value: Value,
) -> Result<T, CloudError> {
    serde_json::from_value(value).map_err(|error| {
        // Other messages repeat values, and a password may be among them.
        let why = Some(error.to_string()).filter(|why| why.starts_with("missing field"));
        let why = why.unwrap_or_else(|| "a value is not of the expected kind".to_owned());
        reply.unexpected(call, &format!("the answer was not understood: {why}"))
    })
}
