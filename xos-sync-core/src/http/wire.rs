//! From a request to its answer, once.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, Request, RequestBuilder, Url};

use super::{Failure, NoReply, Reply, breaker::Breaker};
use crate::error::chain;

/// Far more than the largest page.
const LARGEST: usize = 64 << 20;

/// Sends requests, each within a time limit, and reads their answers.
///
/// A backend that lets a call wait in vain for all of its time is given a rest, from 5 seconds up to a
/// minute: further calls to the same host and port fail at once ([`Failure::Resting`]), and then one is
/// sent to see whether it answers again. So one that hangs does not take the calls that a step may have
/// under way from those that answer. Clones know the same of backends.
#[derive(Clone)]
pub struct Wire {
    http: Client,
    timeout: Duration,
    breakers: Arc<Mutex<HashMap<String, Arc<Breaker>>>>,
}

impl Wire {
    /// Sends with this client, and allows each request this time, connecting and reading the answer
    /// included.
    #[must_use]
    pub fn new(http: Client, timeout: Duration) -> Self {
        Self { http, timeout, breakers: Arc::default() }
    }

    /// How long a request may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A request, to be completed.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request once, and reads the whole answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn send(&self, request: RequestBuilder) -> Result<Reply, NoReply> {
        self.send_for_long(request.timeout(self.timeout)).await
    }

    /// The same without a time limit, for a large body: the caller sees to it that it moves.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send_for_long(&self, request: RequestBuilder) -> Result<Reply, NoReply> {
        let request = request.build().map_err(|error| {
            let text = format!("the request makes no sense: {}", chain(&error.without_url()));
            NoReply::new(Failure::NotSent, text)
        })?;
        let origin = request.url().origin().ascii_serialization();
        let breaker = self.breaker(&origin);
        let entry = breaker.enter(Instant::now()).map_err(|wait| resting(&origin, wait))?;
        match self.exchange(request, &origin).await {
            Ok(reply) => {
                entry.heard(Instant::now());
                Ok(reply)
            }
            Err(lost) => {
                if matches!(lost.failure, Failure::TimedOut | Failure::Unreachable) {
                    entry.hung(Instant::now());
                }
                Err(lost)
            }
        }
    }

    fn breaker(&self, origin: &str) -> Arc<Breaker> {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.entry(origin.to_owned()).or_default().clone()
    }

    async fn exchange(&self, request: Request, origin: &str) -> Result<Reply, NoReply> {
        let lost = |error| lost(origin, self.timeout, error);
        let mut answer = self.http.execute(request).await.map_err(lost)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                let text = format!("{origin} answers without end");
                return Err(NoReply::new(Failure::Broken, text));
            }
        }
        let body = String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(Reply { status, headers, body })
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Why an exchange came to nothing.
fn lost(origin: &str, timeout: Duration, error: reqwest::Error) -> NoReply {
    let failure = match () {
        () if error.is_connect() && error.is_timeout() => Failure::Unreachable,
        () if error.is_connect() || error.is_builder() => Failure::NotSent,
        () if error.is_timeout() => Failure::TimedOut,
        () => Failure::Broken,
    };
    let why = chain(&error.without_url());
    let text = match failure {
        Failure::NotSent | Failure::Unreachable => format!("no connection to {origin}: {why}"),
        Failure::TimedOut => format!("{origin} did not answer within {timeout:?}"),
        _ => format!("the connection to {origin} broke: {why}"),
    };
    NoReply::new(failure, text)
}

fn resting(origin: &str, wait: Duration) -> NoReply {
    let text = format!(
        "{origin} did not answer those who asked before; it is asked again in {} s",
        wait.as_millis().div_ceil(1000)
    );
    NoReply { failure: Failure::Resting, text, retry_after: Some(wait) }
}

#[cfg(test)]
mod tests;
