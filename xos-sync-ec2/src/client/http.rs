//! The HTTP clients: one for EC2, and one that loads credentials for the AWS configuration.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::ConfigError;
use super::endpoint::{Endpoint, is_local};

/// How long an unused connection is kept: less than the time after which AWS closes it.
const IDLE: Duration = Duration::from_secs(15);

/// The client for EC2. Local endpoints are reached without a proxy.
pub(super) fn client(
    endpoint: &Endpoint,
    connect_timeout: Duration,
) -> Result<reqwest::Client, ConfigError> {
    let local = endpoint.url().host_str().is_some_and(is_local);
    // An unencrypted endpoint needs no CA certificates, and small test machines have none.
    let tls = match encrypted() {
        Err(_) if !endpoint.is_encrypted() => without_certificates(),
        tls => tls,
    };
    build(tls.map_err(tls_error)?, connect_timeout, local)
}

fn build(
    tls: ClientConfig,
    connect_timeout: Duration,
    local: bool,
) -> Result<reqwest::Client, ConfigError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("xos-sync-ec2/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .tcp_nodelay(true)
        // A signed request is valid for one host only.
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(IDLE);
    if local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(tls_error)
}

fn tls_error(error: impl std::error::Error) -> ConfigError {
    ConfigError::Tls { why: super::credentials::chain(&error) }
}

fn encrypted() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}

fn without_certificates() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// Lends the AWS configuration our HTTP client, so that one HTTP and TLS stack is built, not two.
#[derive(Clone, Debug)]
pub(super) struct AwsHttpClient {
    proxied: reqwest::Client,
    direct: reqwest::Client,
}

impl AwsHttpClient {
    pub(super) fn new(connect_timeout: Duration) -> Result<Self, ConfigError> {
        let tls = encrypted().or_else(|_| without_certificates()).map_err(tls_error)?;
        Ok(Self {
            proxied: build(tls.clone(), connect_timeout, false)?,
            direct: build(tls, connect_timeout, true)?,
        })
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
    let url = reqwest::Url::parse(request.uri()).map_err(|error| user(&error.to_string()))?;
    let method = reqwest::Method::from_bytes(request.method().as_bytes());
    let client = if url.host_str().is_some_and(is_local) { client.direct } else { client.proxied };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tls_stack_is_the_one_the_http_client_knows() {
        build(without_certificates().unwrap(), IDLE, false).unwrap();
    }

    #[test]
    fn an_unencrypted_endpoint_needs_no_certificates() {
        client(&Endpoint::parse("http://127.0.0.1:1").unwrap(), IDLE).unwrap();
    }
}
