//! The HTTP clients: one for EC2, and one that loads credentials for the AWS configuration.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::Url;
use xos_sync_core::http::{Connections, SetupError, is_local};

use super::endpoint::Endpoint;

/// Who we are, in logs of AWS.
const USER_AGENT: &str = concat!("xos-sync-ec2/", env!("CARGO_PKG_VERSION"));
/// How long an unused connection is kept: less than the time after which AWS closes it.
const IDLE: Duration = Duration::from_secs(15);

/// The client for EC2.
pub(super) fn client(
    endpoint: &Endpoint,
    connect_timeout: Duration,
) -> Result<reqwest::Client, SetupError> {
    let connections = Connections::to(endpoint.url(), USER_AGENT);
    connections.connect_timeout(connect_timeout).idle(IDLE).client()
}

/// Lends the AWS configuration our HTTP client, so that one HTTP and TLS stack is built, not two.
#[derive(Clone, Debug)]
pub(super) struct AwsHttpClient {
    proxied: reqwest::Client,
    direct: reqwest::Client,
}

impl AwsHttpClient {
    pub(super) fn new(connect_timeout: Duration) -> Result<Self, SetupError> {
        let connections = Connections::anywhere(USER_AGENT);
        let connections = connections.connect_timeout(connect_timeout).idle(IDLE);
        Ok(Self { proxied: connections.client()?, direct: connections.direct().client()? })
    }
}

impl HttpClient for AwsHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        // The HTTP client knows only a limit for the whole request.
        let limit = match (settings.connect_timeout(), settings.read_timeout()) {
            (connect, Some(read)) => Some(connect.unwrap_or_default() + read),
            (_, None) => None,
        };
        let connect = settings.connect_timeout();
        SharedHttpConnector::new(AwsConnector { client: self.clone(), connect, limit })
    }
}

#[derive(Debug)]
struct AwsConnector {
    client: AwsHttpClient,
    connect: Option<Duration>,
    limit: Option<Duration>,
}

impl HttpConnector for AwsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.client.clone();
        // Machines outside AWS have no metadata service: there, waiting for a connection is all there is.
        let limit = self.limit.or(self.connect.map(|connect| connect + Duration::from_secs(10)));
        HttpConnectorFuture::new(async move { send(client, request, limit).await })
    }
}

async fn send(
    client: AwsHttpClient,
    request: HttpRequest,
    limit: Option<Duration>,
) -> Result<HttpResponse, ConnectorError> {
    let user = |error: &str| ConnectorError::user(error.to_owned().into());
    let url = Url::parse(request.uri()).map_err(|error| user(&error.to_string()))?;
    let method = reqwest::Method::from_bytes(request.method().as_bytes());
    let is_near = is_local(&url) || is_metadata(&url);
    let client = if is_near { client.direct } else { client.proxied };
    let mut call = client.request(method.map_err(|error| user(&error.to_string()))?, url);
    for (name, value) in request.headers() {
        call = call.header(name, value);
    }
    if let Some(limit) = limit {
        call = call.timeout(limit);
    }
    let body = request.body().bytes().ok_or_else(|| user("a streamed body is not supported"))?;
    let reply = call.body(body.to_vec()).send().await.map_err(connector_error)?;
    let status = reply.status().as_u16();
    let headers = reply.headers().clone();
    let body = reply.bytes().await.map_err(connector_error)?;

    let status = status.try_into().map_err(|_| user("an unknown HTTP status"))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in &headers {
        if let Ok(value) = value.to_str() {
            response.headers_mut().append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(response)
}

fn connector_error(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

/// Whether it is the address of a machine's metadata in IPv6, which no proxy can reach. That in IPv4 is
/// local to the link.
fn is_metadata(url: &Url) -> bool {
    url.host_str() == Some("[fd00:ec2::254]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_metadata_is_known() {
        let is = |url: &str| is_metadata(&Url::parse(url).unwrap());
        assert!(is("http://[fd00:ec2::254]/latest"));
        assert!(!is("http://[fd00:ec2::1]/") && !is("https://ec2.eu-west-1.amazonaws.com"));
    }
}
