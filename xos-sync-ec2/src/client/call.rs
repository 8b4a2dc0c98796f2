//! One operation, from its parameters to a typed reply or an error.

use std::time::Instant;

use tracing::debug;
use xos_sync_core::http::{Effect, Failure, Refusal, pause};

use super::classify::{is_expiry, kind};
use super::error::Detail;
use super::params::Params;
use super::transport::Answer;
use super::xml::{self, Element, Missing};
use super::{Ec2, Ec2Error, ErrorKind};

/// An operation to carry out.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) action: &'static str,
    /// What it does, in the user's words, to follow "cannot".
    asked: String,
    effect: Effect,
    pub(super) params: Params,
}

impl Call {
    pub(super) fn reading(action: &'static str, asked: impl Into<String>, params: Params) -> Self {
        Self { action, asked: asked.into(), effect: Effect::Reads, params }
    }

    pub(super) fn changing(action: &'static str, asked: impl Into<String>, params: Params) -> Self {
        Self { action, asked: asked.into(), effect: Effect::Changes, params }
    }

    /// The same for the page that a token stands for.
    pub(super) fn at(self, token: &str) -> Self {
        Self { params: self.params.set("NextToken", token), ..self }
    }

    fn error(&self, kind: ErrorKind, message: String) -> Detail {
        Detail {
            kind,
            action: self.action,
            asked: self.asked.clone(),
            message,
            code: None,
            request_id: None,
            status: None,
            outcome_unknown: false,
        }
    }

    /// An answer that makes no sense.
    fn garbled(&self, answer: &Answer, why: &str) -> Ec2Error {
        let excerpt = answer.secrets.excerpt(&answer.reply.body);
        let message = format!("the answer was not understood: {why}; it begins {excerpt:?}");
        Ec2Error::from(Detail {
            status: Some(answer.reply.status),
            request_id: answer.request_id().map(str::to_owned),
            outcome_unknown: self.effect == Effect::Changes,
            ..self.error(ErrorKind::Garbled, message)
        })
    }

    /// A listing that would never end.
    pub(super) fn circle(&self) -> Ec2Error {
        self.error(
            ErrorKind::Garbled,
            "the listing does not end: AWS repeats a page token".to_owned(),
        )
        .into()
    }

    /// What an answer with an error status says.
    fn refused(&self, answer: &Answer) -> Detail {
        let Answer { reply, secrets } = answer;
        let document = xml::parse(&reply.body).ok();
        let found = |name| {
            let text = document.as_ref().and_then(|root| root.find(name)).map(Element::own_text);
            text.filter(|text| !text.is_empty())
        };
        let code = found("Code").map(|code| secrets.hide(code));
        let message = match (&code, found("Message")) {
            (_, Some(message)) => secrets.hide(message),
            (Some(_), None) => "AWS gave no reason".to_owned(),
            (None, None) => format!("the answer is {:?}", secrets.excerpt(&reply.body)),
        };
        let kind = match (
            kind(reply.status, code.as_deref().unwrap_or_default(), reply.retry_after()),
            &code,
        ) {
            // EC2 always names a code: without one, something else answered.
            (ErrorKind::Invalid, None) => ErrorKind::Garbled,
            (kind, _) => kind,
        };
        let id = found("RequestID").or_else(|| found("RequestId")).or_else(|| answer.request_id());
        Detail {
            code,
            request_id: id.map(str::to_owned),
            status: Some(reply.status),
            outcome_unknown: self.effect == Effect::Changes && kind == ErrorKind::Unavailable,
            ..self.error(kind, message)
        }
    }
}

impl Ec2 {
    /// Carries out `call`, and reads the reply with `read`.
    pub(super) async fn call<T>(
        &self,
        call: &Call,
        read: impl Fn(&Element) -> Result<T, Missing>,
    ) -> Result<T, Ec2Error> {
        let answer = self.answer(call).await?;
        let root = xml::parse(&answer.reply.body).map_err(|why| call.garbled(&answer, &why))?;
        if root.name().strip_suffix("Response") != Some(call.action) {
            return Err(call.garbled(&answer, &format!("it is no answer to {}", call.action)));
        }
        read(&root).map_err(|Missing(name)| call.garbled(&answer, &format!("it lacks {name}")))
    }

    /// The successful answer to a call, after up to three attempts.
    async fn answer(&self, call: &Call) -> Result<Answer, Ec2Error> {
        let mut attempt = 1;
        loop {
            let started = Instant::now();
            let credentials = self.inner.credentials.get().await.map_err(|missing| {
                let kind = if missing.transient {
                    ErrorKind::Unavailable
                } else {
                    ErrorKind::Unauthorized
                };
                call.error(kind, format!("no usable AWS credentials: {}", missing.text))
            })?;
            let (failure, retry_after, error) = match self.inner.send(call, &credentials).await {
                Ok(answer) if answer.reply.is_success() => {
                    let status = Some(answer.reply.status);
                    log(call, attempt, started, status, answer.request_id(), "");
                    return Ok(answer);
                }
                Ok(answer) => {
                    let error = call.refused(&answer);
                    let expired = error.code.as_deref().is_some_and(is_expiry);
                    let refusal = if expired && self.inner.credentials.expired(&credentials).await {
                        Refusal::Expired
                    } else {
                        error.kind.into()
                    };
                    (Failure::Refused(refusal), answer.reply.retry_after(), error)
                }
                Err(none) => {
                    let outcome_unknown = none.outcome_unknown(call.effect);
                    let error = call.error(ErrorKind::Unavailable, none.text);
                    (none.failure, none.retry_after, Detail { outcome_unknown, ..error })
                }
            };
            log(call, attempt, started, error.status, error.request_id.as_deref(), &error.message);
            match pause(attempt, call.effect, failure, retry_after) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error.into()),
            }
            attempt += 1;
        }
    }
}

fn log(
    call: &Call,
    attempt: u32,
    started: Instant,
    status: Option<u16>,
    request_id: Option<&str>,
    error: &str,
) {
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let error = (!error.is_empty()).then_some(error);
    debug!(action = call.action, status, ms, request_id, attempt, error, "EC2 call");
}
