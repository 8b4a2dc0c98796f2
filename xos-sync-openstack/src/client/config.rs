//! From settings to a client.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use xos_sync_core::http::{Connections, SetupError, Trust, Wire};

use super::catalog::versioned;
use super::session::Session;
use super::{Cloud, Credentials, Interface, Scope, Service, Shared};

/// Who we are, in the cloud's logs.
const USER_AGENT: &str = concat!("xos-sync-openstack/", env!("CARGO_PKG_VERSION"));

/// Why no client could be made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither `OS_CLOUD` nor `OS_AUTH_URL` is set.
    #[error(
        "no cloud is configured: set OS_CLOUD to the name of an entry of a clouds.yaml, or OS_AUTH_URL, \
         OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME"
    )]
    NoCloud,
    /// No clouds.yaml was found.
    #[error(
        "there is no clouds.yaml: none of {looked_at} exists (OS_CLIENT_CONFIG_FILE names another)"
    )]
    NoFile {
        /// Where it was looked for.
        looked_at: String,
    },
    /// A file cannot be read or is not understood.
    #[error("{} is not usable: {why}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong, without what stands in it.
        why: String,
    },
    /// The clouds.yaml has no such entry.
    #[error("{} has no cloud {name:?}; it has {known}", .file.display())]
    NoEntry {
        /// The file.
        file: PathBuf,
        /// What was looked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A setting is missing.
    #[error("{origin}: {setting} is missing")]
    Missing {
        /// Where the settings come from.
        origin: String,
        /// What is missing.
        setting: &'static str,
    },
    /// A setting is wrong or not supported.
    #[error("{origin}: {why}")]
    Wrong {
        /// Where the settings come from.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// An address cannot be used.
    #[error("{why}, such as https://keystone.example.org/v3")]
    Address {
        /// What is wrong with it.
        why: String,
    },
    /// No connections can be made.
    #[error(transparent)]
    Connections(#[from] SetupError),
}

/// Settings for a [`Cloud`].
#[derive(Clone)]
pub struct CloudBuilder {
    auth_url: String,
    credentials: Credentials,
    scope: Scope,
    region: Option<String>,
    interface: Interface,
    addresses: HashMap<Service, String>,
    ca_file: Option<PathBuf>,
    connect_timeout: Duration,
    timeout: Duration,
}

impl CloudBuilder {
    pub(super) fn new(auth_url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            auth_url: auth_url.into(),
            credentials,
            scope: Scope::Given,
            region: None,
            interface: Interface::default(),
            addresses: HashMap::new(),
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(60),
        }
    }

    /// What the credentials are used for; what they say themselves if not set.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The region whose services are called; the first of the catalogue if not set.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Which of a service's addresses is used; the public one if not set.
    #[must_use]
    pub fn interface(mut self, interface: Interface) -> Self {
        self.interface = interface;
        self
    }

    /// The address of a service, instead of the catalogue's.
    #[must_use]
    pub fn address(mut self, service: Service, url: impl Into<String>) -> Self {
        self.addresses.insert(service, url.into());
        self
    }

    /// A file with the certificates to trust, instead of the system's.
    #[must_use]
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// How long to wait for a connection; 5 seconds if not set.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long one request may take, connecting and reading the answer included; 60 seconds if not
    /// set.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// When a setting is not usable.
    pub fn build(self) -> Result<Cloud, ConfigError> {
        let checked = |service, url: &str| {
            let url = versioned(service, url).map_err(|why| ConfigError::Address { why })?;
            if url.username().is_empty() && url.password().is_none() {
                return Ok(url);
            }
            let why = format!("the address of {service} must not have a user or password in it");
            Err(ConfigError::Address { why })
        };
        let keystone = checked(Service::Identity, &self.auth_url)?;
        let addresses = self.addresses.iter();
        let addresses = addresses.map(|(service, url)| Ok((*service, checked(*service, url)?)));
        let addresses = addresses.collect::<Result<_, ConfigError>>()?;
        // Unused connections are kept for less than the servers in front of OpenStack do.
        let mut connections = Connections::to(&keystone, USER_AGENT);
        connections = connections.connect_timeout(self.connect_timeout);
        if let Some(file) = self.ca_file {
            connections = connections.trust(Trust::File(file));
        }
        Ok(Cloud {
            shared: Arc::new(Shared {
                wire: Wire::new(connections.client()?, self.timeout),
                keystone,
                region: self.region,
                interface: self.interface,
                addresses,
                scoped: Mutex::default(),
            }),
            session: Arc::new(Session::new(self.credentials, self.scope)),
        })
    }
}

impl fmt::Debug for CloudBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address is not checked yet and may hold a password.
        f.debug_struct("CloudBuilder")
            .field("credentials", &self.credentials)
            .field("scope", &self.scope)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(url: &str) -> CloudBuilder {
        CloudBuilder::new(url, Credentials::password("admin", "hush"))
    }

    #[test]
    fn nothing_shows_a_secret() {
        let builder = builder("http://u:hush@h");
        assert!(!format!("{builder:?}").contains("hush"));
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains("must not have a user") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        let error = builder("keystone").build().unwrap_err().to_string();
        assert!(error.contains("address of Keystone"), "{error}");
        let error = builder("http://h").address(Service::Image, "x").build().unwrap_err();
        assert!(error.to_string().contains("address of Glance"), "{error}");
        let cloud = builder("http://h:5000").region("one").build().unwrap();
        assert_eq!((cloud.auth_url(), cloud.region()), ("http://h:5000/v3", Some("one")));
        let shown = format!("{cloud:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
