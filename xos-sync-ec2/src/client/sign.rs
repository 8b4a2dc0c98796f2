//! AWS Signature Version 4 for one request.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SigningSettings, sign as sign_request,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

/// The type of every body we send.
pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// What has to be added to a request.
pub(super) struct Signed {
    /// Header names and values.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The signature alone, to keep it out of messages.
    pub(super) signature: String,
}

/// Signs a POST of `body` to `url`.
pub(super) fn sign(
    url: &str,
    body: &str,
    region: &str,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Signed, String> {
    let identity = Identity::from(credentials.clone());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("ec2")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let headers = [("content-type", FORM)].into_iter();
    let request = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body.as_bytes()))
        .map_err(|error| error.to_string())?;
    let (instructions, signature) =
        sign_request(request, &params).map_err(|error| error.to_string())?.into_parts();
    let (headers, _) = instructions.into_parts();
    let headers = headers.iter().map(|header| (header.name(), header.value().to_owned())).collect();
    Ok(Signed { headers, signature })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected signature is botocore's for the same request.
    #[test]
    fn a_session_token_is_sent_and_the_secret_is_not() {
        let credentials = Credentials::new("AKID", "hush", Some("token".to_owned()), None, "test");
        let signed = sign(
            "https://ec2.eu-west-1.amazonaws.com/",
            "Action=X",
            "eu-west-1",
            &credentials,
            SystemTime::UNIX_EPOCH,
        )
        .unwrap();
        let value = |name: &str| {
            signed
                .headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(value("x-amz-security-token"), Some("token"));
        assert_eq!(value("x-amz-date"), Some("19700101T000000Z"));
        let authorization = value("authorization").unwrap();
        assert!(
            authorization.contains("Credential=AKID/19700101/eu-west-1/ec2/aws4_request"),
            "{authorization}"
        );
        assert!(authorization.contains("SignedHeaders=content-type;host;"), "{authorization}");
        assert_eq!(
            signed.signature,
            "3294db0c501660820db0430d505cc6df192f65244641e505beb40a2529b2eade"
        );
        assert!(authorization.ends_with(&signed.signature) && !authorization.contains("hush"));
    }
}
