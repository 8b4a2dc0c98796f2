//! One attempt: sign, send, read the reply.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use reqwest::header::CONTENT_TYPE;
use xos_sync_core::http::{Failure, Method, NoReply, Reply, Secrets};

use super::Inner;
use super::call::Call;
use super::sign::{FORM, sign};

/// An answer, whatever it says.
pub(super) struct Answer {
    pub(super) reply: Reply,
    /// What must be hidden when the body is shown.
    pub(super) secrets: Secrets,
}

impl Inner {
    /// Sends the call once.
    pub(super) async fn send(
        &self,
        call: &Call,
        credentials: &Credentials,
    ) -> Result<Answer, NoReply> {
        let form = call.params.form(call.action);
        let url = self.endpoint.url();
        let signed = sign(url.as_str(), &form, &self.region, credentials, SystemTime::now())
            .map_err(|why| NoReply {
                failure: Failure::NotSent,
                text: format!("the request cannot be signed: {why}"),
                retry_after: None,
            })?;
        let kept =
            [credentials.secret_access_key(), credentials.session_token().unwrap_or_default()];
        let kept = kept.into_iter().map(str::to_owned).chain([signed.signature]);
        let secrets = Secrets::new(kept.chain(call.params.secrets()));

        let request = self.wire.request(Method::POST, url.clone());
        let mut request = request.header(CONTENT_TYPE, FORM).body(form);
        for (name, value) in signed.headers {
            request = request.header(name, value);
        }
        Ok(Answer { reply: self.wire.send(request).await?, secrets })
    }
}

impl Answer {
    pub(super) fn request_id(&self) -> Option<&str> {
        self.reply.header("x-amzn-requestid")
    }
}
