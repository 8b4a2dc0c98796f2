//! From a call to its answer: one attempt, and several.

use std::error::Error;
use std::time::{Duration, Instant, SystemTime};

use chrono::DateTime;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Body, Url};
use serde::de::DeserializeOwned;
use tracing::debug;

use super::call::{Call, Effect};
use super::classify::refusal;
use super::error::Detail;
use super::retry::{Failure, pause};
use super::scrub::Secrets;
use super::secret::Secret;
use super::{CloudError, ErrorKind};

/// Far more than the largest page.
const LARGEST: usize = 64 << 20;

/// How requests are sent.
pub(super) struct Wire {
    pub(super) http: reqwest::Client,
    /// For one attempt, connecting and reading the answer included.
    pub(super) timeout: Duration,
}

/// An answer, whatever it says.
pub(super) struct Reply {
    status: u16,
    pub(super) headers: HeaderMap,
    body: String,
}

/// No answer.
pub(super) struct NoReply {
    pub(super) failure: Failure,
    /// Why, for the user.
    pub(super) text: String,
}

impl Wire {
    /// The successful answer to a call, after up to three attempts.
    pub(super) async fn answer(
        &self,
        call: &Call,
        base: &Url,
        token: Option<&Secret>,
    ) -> Result<Reply, CloudError> {
        let url = call.url(base)?;
        let secrets = hidden(call, token);
        let mut attempt = 1;
        loop {
            let started = Instant::now();
            let body = call.body.as_ref().map(|body| Body::from(body.to_string()));
            let sent = self.send(call, &url, token, body).await;
            let (error, failure) = match judged(call, sent, &secrets) {
                Ok(reply) => {
                    log(call, attempt, started, Ok(&reply));
                    return Ok(reply);
                }
                Err(failed) => failed,
            };
            log(call, attempt, started, Err(&error));
            match pause(attempt, call.effect, failure, error.retry_after(), fastrand::f64()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
            attempt += 1;
        }
    }

    /// The answer to a call whose body can be sent once only.
    pub(super) async fn upload(
        &self,
        call: &Call,
        base: &Url,
        token: &Secret,
        body: Body,
    ) -> Result<Reply, CloudError> {
        let url = call.url(base)?;
        let started = Instant::now();
        let sent = self.request(call, &url, Some(token), Some(body));
        let sent = self.receive(&url, sent.header(CONTENT_TYPE, "application/octet-stream")).await;
        let judged = judged(call, sent, &hidden(call, Some(token))).map_err(|(error, _)| error);
        log(call, 1, started, judged.as_ref());
        judged
    }

    async fn send(
        &self,
        call: &Call,
        url: &Url,
        token: Option<&Secret>,
        body: Option<Body>,
    ) -> Result<Reply, NoReply> {
        let mut request = self.request(call, url, token, body).timeout(self.timeout);
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        self.receive(url, request).await
    }

    fn request(
        &self,
        call: &Call,
        url: &Url,
        token: Option<&Secret>,
        body: Option<Body>,
    ) -> reqwest::RequestBuilder {
        let mut request = self.http.request(call.method.clone(), url.clone());
        request = request.header(ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header("X-Auth-Token", token.expose());
        }
        if let Some((name, version)) = call.service.microversion() {
            request = request.header(name, version);
        }
        match body {
            Some(body) => request.body(body),
            None => request,
        }
    }

    async fn receive(&self, url: &Url, request: reqwest::RequestBuilder) -> Result<Reply, NoReply> {
        let mut answer = request.send().await.map_err(|error| self.no_reply(url, error))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.no_reply(url, error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                let text = format!("{} answers without end", origin(url));
                return Err(NoReply { failure: Failure::Broken, text });
            }
        }
        let body = String::from_utf8(body).unwrap_or_else(|error| error.to_string());
        Ok(Reply { status, headers, body })
    }

    fn no_reply(&self, url: &Url, error: reqwest::Error) -> NoReply {
        let service = origin(url);
        let failure = match () {
            () if error.is_connect() || error.is_builder() => Failure::NotSent,
            () if error.is_timeout() => Failure::TimedOut,
            () => Failure::Broken,
        };
        let why = chain(&error.without_url());
        let text = match failure {
            Failure::NotSent => format!("no connection to {service}: {why}"),
            Failure::TimedOut => format!("{service} did not answer within {:?}", self.timeout),
            _ => format!("the connection to {service} broke: {why}"),
        };
        NoReply { failure, text }
    }
}

/// What must be hidden when an answer to this call is shown.
fn hidden(call: &Call, token: Option<&Secret>) -> Secrets {
    let known = call.secrets.iter().chain(token);
    Secrets::new(known.map(|secret| secret.expose().to_owned()))
}

/// A successful answer, or what the error means.
fn judged(
    call: &Call,
    sent: Result<Reply, NoReply>,
    secrets: &Secrets,
) -> Result<Reply, (CloudError, Failure)> {
    let reply = match sent {
        Ok(reply) if (200..300).contains(&reply.status) => return Ok(reply),
        Ok(reply) => reply,
        Err(none) => {
            let changes = call.effect == Effect::Changes;
            let outcome_unknown = changes && !matches!(none.failure, Failure::NotSent);
            let error = call.error(ErrorKind::Unavailable, none.text);
            return Err((Detail { outcome_unknown, ..error }.into(), none.failure));
        }
    };
    let refusal = refusal(reply.status, &secrets.hide(&reply.body));
    let unsure = matches!(refusal.kind, ErrorKind::Unavailable | ErrorKind::Garbled);
    let error = Detail {
        code: refusal.code,
        request_id: reply.request_id(),
        status: Some(reply.status),
        retry_after: retry_after(&reply.headers, SystemTime::now()),
        outcome_unknown: call.effect == Effect::Changes && unsure,
        ..call.error(refusal.kind, secrets.excerpt(&refusal.message))
    };
    Err((error.into(), Failure::Answered(refusal.kind)))
}

impl Reply {
    /// What the body says.
    pub(super) fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CloudError> {
        serde_json::from_str(&self.body).map_err(|error| self.garbled(call, &error))
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
            status: Some(self.status),
            request_id: self.request_id(),
            outcome_unknown: call.effect == Effect::Changes,
            ..call.error(ErrorKind::Garbled, why.to_owned())
        })
    }

    fn request_id(&self) -> Option<String> {
        text_of(&self.headers, "x-openstack-request-id")
            .or_else(|| text_of(&self.headers, "x-compute-request-id"))
    }
}

/// Scheme, host and port, for messages.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// An error and its causes in one line, each said once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// How long the answer asks to wait: seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = SystemTime::from(DateTime::parse_from_rfc2822(text).ok()?);
    Some(date.duration_since(now).unwrap_or_default())
}

fn log(call: &Call, attempt: u32, started: Instant, outcome: Result<&Reply, &CloudError>) {
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let service = call.service.name();
    let action = call.action();
    let (status, request_id, error) = match outcome {
        Ok(reply) => (Some(reply.status), reply.request_id(), None),
        Err(error) => {
            (error.status(), error.request_id().map(str::to_owned), Some(error.message()))
        }
    };
    debug!(service, action, status, ms, request_id, attempt, error, "OpenStack call");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_understood() {
        let asked = |text: &str, now: u64| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(now))
                .map(|wait| wait.as_secs())
        };
        assert_eq!(asked("7", 0), Some(7));
        assert_eq!(asked("Thu, 01 Jan 1970 00:01:40 GMT", 90), Some(10));
        assert_eq!(asked("Thu, 01 Jan 1970 00:01:40 GMT", 200), Some(0));
        assert_eq!(asked("soon", 0), None);
    }
}
