//! From a call to its answer: one attempt, and several.

use std::time::Instant;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Body, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use tracing::debug;
use xos_sync_core::Secret;
use xos_sync_core::http::{self, Effect, Failure, NoReply, Secrets, Wire, pause};

use super::call::Call;
use super::classify::refusal;
use super::error::Detail;
use super::{CloudError, ErrorKind};

/// A successful answer.
pub(super) struct Reply(http::Reply);

/// The successful answer to a call, after up to three attempts.
pub(super) async fn answer(
    wire: &Wire,
    call: &Call,
    base: &Url,
    token: Option<&Secret>,
) -> Result<Reply, CloudError> {
    let url = call.url(base)?;
    let secrets = hidden(call, token);
    let mut attempt = 1;
    loop {
        let started = Instant::now();
        let mut request = request(wire, call, &url, token);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let (error, failure) = match judged(call, wire.send(request).await, &secrets) {
            Ok(reply) => {
                log(call, attempt, started, Ok(&reply));
                return Ok(reply);
            }
            Err(failed) => failed,
        };
        log(call, attempt, started, Err(&error));
        match pause(attempt, call.effect, failure, error.retry_after()) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error),
        }
        attempt += 1;
    }
}

/// The answer to a call whose body can be sent once only.
pub(super) async fn upload(
    wire: &Wire,
    call: &Call,
    base: &Url,
    token: &Secret,
    body: Body,
) -> Result<Reply, CloudError> {
    let url = call.url(base)?;
    let started = Instant::now();
    let request = request(wire, call, &url, Some(token)).body(body);
    let request = request.header(CONTENT_TYPE, "application/octet-stream");
    let sent = wire.send_for_long(request).await;
    let judged = judged(call, sent, &hidden(call, Some(token))).map_err(|(error, _)| error);
    log(call, 1, started, judged.as_ref());
    judged
}

fn request(wire: &Wire, call: &Call, url: &Url, token: Option<&Secret>) -> RequestBuilder {
    let mut request = wire.request(call.method.clone(), url.clone());
    request = request.header(ACCEPT, "application/json");
    if let Some(token) = token {
        request = request.header("X-Auth-Token", token.reveal());
    }
    if let Some((name, version)) = call.service.microversion() {
        request = request.header(name, version);
    }
    request
}

/// What must be hidden when an answer to this call is shown.
fn hidden(call: &Call, token: Option<&Secret>) -> Secrets {
    let known = call.secrets.iter().chain(token);
    Secrets::new(known.map(|secret| secret.reveal().to_owned()))
}

/// A successful answer, or what the error means.
fn judged(
    call: &Call,
    sent: Result<http::Reply, NoReply>,
    secrets: &Secrets,
) -> Result<Reply, (CloudError, Failure)> {
    let reply = match sent {
        Ok(reply) if reply.is_success() => return Ok(Reply(reply)),
        Ok(reply) => reply,
        Err(none) => {
            let outcome_unknown = none.outcome_unknown(call.effect);
            let error = call.error(ErrorKind::Unavailable, none.text);
            let error = Detail { outcome_unknown, retry_after: none.retry_after, ..error };
            return Err((error.into(), none.failure));
        }
    };
    let refusal = refusal(reply.status, &secrets.hide(&reply.body));
    let unsure = matches!(refusal.kind, ErrorKind::Unavailable | ErrorKind::Garbled);
    let error = Detail {
        code: refusal.code,
        request_id: request_id(&reply),
        status: Some(reply.status),
        retry_after: reply.retry_after(),
        outcome_unknown: call.effect == Effect::Changes && unsure,
        ..call.error(refusal.kind, secrets.excerpt(&refusal.message))
    };
    Err((error.into(), Failure::Refused(refusal.kind.into())))
}

impl Reply {
    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// What the body says.
    pub(super) fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CloudError> {
        serde_json::from_str(&self.0.body).map_err(|error| self.garbled(call, &error))
    }

    /// An answer that makes no sense. It is not shown: a password may be in it.
    fn garbled(&self, call: &Call, error: &serde_json::Error) -> CloudError {
        let why = error.to_string();
        // Other messages repeat values.
        let why = match why.starts_with("missing field") {
            true => why,
            false => format!(
                "{:?} error at line {} column {}",
                error.classify(),
                error.line(),
                error.column()
            ),
        };
        self.unexpected(call, &format!("the answer was not understood: {why}"))
    }

    /// A successful answer that says something else than it must.
    pub(super) fn unexpected(&self, call: &Call, why: &str) -> CloudError {
        CloudError::from(Detail {
            status: Some(self.0.status),
            request_id: request_id(&self.0),
            outcome_unknown: call.effect == Effect::Changes,
            ..call.error(ErrorKind::Garbled, why.to_owned())
        })
    }
}

fn request_id(reply: &http::Reply) -> Option<String> {
    let id = reply.header("x-openstack-request-id");
    id.or_else(|| reply.header("x-compute-request-id")).map(str::to_owned)
}

fn log(call: &Call, attempt: u32, started: Instant, outcome: Result<&Reply, &CloudError>) {
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let service = call.service.name();
    let action = call.action();
    let (status, request_id, error) = match outcome {
        Ok(reply) => (Some(reply.0.status), request_id(&reply.0), None),
        Err(error) => {
            (error.status(), error.request_id().map(str::to_owned), Some(error.message()))
        }
    };
    debug!(service, action, status, ms, request_id, attempt, error, "OpenStack call");
}
