//! One attempt: sign, send, read the reply.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use super::Inner;
use super::call::Call;
use super::credentials::chain;
use super::retry::Failure;
use super::scrub::Secrets;
use super::sign::{FORM, sign};

/// Far more than the largest page.
const LARGEST: usize = 64 << 20;

/// An answer, whatever it says.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) request_id: Option<String>,
    /// What must be hidden when the body is shown.
    pub(super) secrets: Secrets,
}

/// No answer.
pub(super) struct NoReply {
    pub(super) failure: Failure,
    /// Why, for the user.
    pub(super) text: String,
}

impl Inner {
    /// Sends the call once.
    pub(super) async fn send(
        &self,
        call: &Call,
        credentials: &Credentials,
    ) -> Result<Reply, NoReply> {
        let form = call.params.form(call.action);
        let url = self.endpoint.url();
        let signed = sign(url.as_str(), &form, &self.region, credentials, SystemTime::now())
            .map_err(|why| NoReply::not_sent(format!("the request cannot be signed: {why}")))?;
        let kept =
            [credentials.secret_access_key(), credentials.session_token().unwrap_or_default()];
        let kept = kept.into_iter().map(str::to_owned).chain([signed.signature]);
        let secrets = Secrets::new(kept.chain(call.params.secrets()));

        let mut request =
            self.http.post(url.clone()).timeout(self.timeout).header(CONTENT_TYPE, FORM).body(form);
        for (name, value) in signed.headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| self.no_reply(error))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let request_id = text_of(response.headers(), "x-amzn-requestid");

        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.no_reply(error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                let text = format!("{} answers without end", self.endpoint.text());
                return Err(NoReply { failure: Failure::Broken, text });
            }
        }
        let body = String::from_utf8(body).unwrap_or_else(|error| error.to_string());
        Ok(Reply { status, body, retry_after, request_id, secrets })
    }

    fn no_reply(&self, error: reqwest::Error) -> NoReply {
        let endpoint = self.endpoint.text();
        let failure = match () {
            () if error.is_connect() || error.is_builder() => Failure::NotSent,
            () if error.is_timeout() => Failure::TimedOut,
            () => Failure::Broken,
        };
        let why = chain(&error.without_url());
        let text = match failure {
            Failure::NotSent => format!("no connection to {endpoint}: {why}"),
            Failure::TimedOut => format!("{endpoint} did not answer within {:?}", self.timeout),
            _ => format!("the connection to {endpoint} broke: {why}"),
        };
        NoReply { failure, text }
    }
}

impl NoReply {
    fn not_sent(text: String) -> Self {
        Self { failure: Failure::NotSent, text }
    }
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
    let date = SystemTime::try_from(DateTime::from_str(text, Format::HttpDate).ok()?).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
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
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }
}
