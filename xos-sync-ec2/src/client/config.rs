//! From settings to a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::service_config::ServiceConfigKey;
use xos_sync_core::http::{SetupError, Wire};

use super::credentials::CredentialCache;
use super::endpoint::Endpoint;
use super::{Ec2, Inner, http};

/// Why no client could be made. Nothing was sent to EC2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No region is configured.
    #[error("no AWS region is configured: set AWS_REGION, or `region` in the AWS profile")]
    NoRegion,
    /// The region is not a name that can stand in an address.
    #[error("{region:?} is not the name of an AWS region, such as eu-west-1")]
    Region {
        /// What was configured.
        region: String,
    },
    /// No credentials are configured, or they could not be loaded.
    #[error(
        "no usable AWS credentials: {why} (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile \
         by AWS_PROFILE)"
    )]
    Credentials {
        /// What each source of credentials answered.
        why: String,
    },
    /// The endpoint URL cannot be used.
    #[error("the AWS endpoint URL (AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL) cannot be used: {why}")]
    Endpoint {
        /// What is wrong with it.
        why: &'static str,
    },
    /// No connections can be made.
    #[error(transparent)]
    Connections(#[from] SetupError),
}

/// Settings for an [`Ec2`] client. [`build`](Self::build) takes only what is given here;
/// [`load`](Self::load) takes the rest from the environment and the AWS profile.
#[derive(Clone)]
pub struct Ec2Builder {
    endpoint: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    credentials: Option<Credentials>,
    connect_timeout: Duration,
    timeout: Duration,
}

impl Default for Ec2Builder {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            profile: None,
            credentials: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(60),
        }
    }
}

impl Ec2Builder {
    /// The URL to send requests to, instead of the service's own in the region.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// The region, for example `eu-west-1`.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The profile to [`load`](Self::load), instead of `AWS_PROFILE` or the default one.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// A permanent access key.
    #[must_use]
    pub fn credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Self {
        self.credentials =
            Some(Credentials::new(access_key_id, secret_access_key, None, None, "xos-sync"));
        self
    }

    /// A temporary access key with its session token. It is not renewed.
    #[must_use]
    pub fn session_credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: impl Into<String>,
    ) -> Self {
        let token = Some(session_token.into());
        self.credentials =
            Some(Credentials::new(access_key_id, secret_access_key, token, None, "xos-sync"));
        self
    }

    /// How long to wait for a connection; 5 seconds if not set.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long one request may take, connecting and reading the reply included; 60 seconds if not set.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// A client with these settings alone: region and credentials must be given.
    ///
    /// # Errors
    /// When one is missing or not usable.
    pub fn build(self) -> Result<Ec2, ConfigError> {
        let region = named(self.region.clone())?;
        let credentials = self
            .credentials
            .clone()
            .ok_or_else(|| ConfigError::Credentials { why: "none were given".to_owned() })?;
        let endpoint = match &self.endpoint {
            Some(given) => Endpoint::parse(given)?,
            None => Endpoint::of_region(&region, false, false)?,
        };
        self.client(region, endpoint, SharedCredentialsProvider::new(credentials))
    }

    /// A client with these settings, and the environment's and profile's for all others. Credentials are
    /// loaded once, so that missing ones show here and not at the first call.
    ///
    /// # Errors
    /// When region or credentials are missing, or a setting is not understood.
    pub async fn load(self) -> Result<Ec2, ConfigError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http::AwsHttpClient::new(self.connect_timeout)?);
        if let Some(region) = self.region.clone() {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = self.profile.clone() {
            loader = loader.profile_name(profile);
        }
        if let Some(credentials) = self.credentials.clone() {
            loader = loader.credentials_provider(credentials);
        }
        let found = loader.load().await;

        let region = named(found.region().map(ToString::to_string))?;
        let endpoint = match self.endpoint.clone().or_else(|| configured_endpoint(&found)) {
            Some(given) => Endpoint::parse(&given)?,
            None => {
                let (fips, both) = (found.use_fips(), found.use_dual_stack());
                Endpoint::of_region(&region, fips.unwrap_or_default(), both.unwrap_or_default())?
            }
        };
        let provider = found.credentials_provider().ok_or_else(|| ConfigError::Credentials {
            why: "no source of credentials is configured".to_owned(),
        })?;
        let ec2 = self.client(region, endpoint, provider)?;
        let loaded = ec2.inner.credentials.get().await;
        loaded.map_err(|error| ConfigError::Credentials { why: error.text })?;
        Ok(ec2)
    }

    fn client(
        self,
        region: String,
        endpoint: Endpoint,
        provider: SharedCredentialsProvider,
    ) -> Result<Ec2, ConfigError> {
        let http = http::client(&endpoint, self.connect_timeout)?;
        let wire = Wire::new(http, self.timeout);
        let credentials = CredentialCache::new(provider);
        Ok(Ec2 { inner: Arc::new(Inner { wire, endpoint, region, credentials }) })
    }
}

/// `AWS_ENDPOINT_URL_EC2` before `AWS_ENDPOINT_URL`, each before what the profile says.
fn configured_endpoint(found: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("ec2")
        .profile("endpoint_url")
        .env("AWS_ENDPOINT_URL");
    let of_ec2 = key.build().ok().and_then(|key| found.service_config()?.load_config(key));
    of_ec2.or_else(|| found.endpoint_url().map(str::to_owned)).filter(|url| !url.is_empty())
}

fn named(region: Option<String>) -> Result<String, ConfigError> {
    region.filter(|region| !region.is_empty()).ok_or(ConfigError::NoRegion)
}

impl fmt::Debug for Ec2Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The endpoint is not checked yet and may hold a password.
        f.debug_struct("Ec2Builder")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let error = Ec2::builder().credentials("AKID", "hush").build().unwrap_err();
        assert!(matches!(error, ConfigError::NoRegion));
        let error = Ec2::builder().region("eu-west-1").build().unwrap_err();
        assert!(matches!(error, ConfigError::Credentials { .. }));
        let error =
            Ec2::builder().region("eu/west").credentials("AKID", "hush").build().unwrap_err();
        assert!(error.to_string().contains("eu/west"), "{error}");
    }

    #[test]
    fn the_endpoint_is_the_regions_unless_given() {
        let ec2 = Ec2::builder().region("eu-west-1").credentials("AKID", "hush").build().unwrap();
        assert_eq!(ec2.endpoint(), "https://ec2.eu-west-1.amazonaws.com");
        assert_eq!(ec2.region(), "eu-west-1");
        let shown = format!("{ec2:?}");
        assert!(!shown.contains("hush") && !shown.contains("AKID"), "{shown}");
    }

    #[test]
    fn debug_of_the_builder_shows_no_secret() {
        let builder =
            Ec2::builder().endpoint("http://u:hush@x").session_credentials("AKID", "hush", "hush");
        assert!(!format!("{builder:?}").contains("hush"));
    }
}
