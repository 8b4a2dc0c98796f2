//! A slim, typed client of the Amazon EC2 Query API.
//!
//! It speaks for the steps of this crate: only the operations they need, each a method of [`Ec2`]
//! named after the AWS operation. It is made of the official parts for configuration and signing and a
//! plain HTTP client, because the official EC2 client takes 8 GB of memory to build.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use xos_sync_ec2::client::{Ec2, Filter, InstanceQuery, InstanceState};
//!
//! let ec2 = Ec2::from_env().await?;
//! let mut pages = ec2.describe_instances(
//!     InstanceQuery::new().filter(Filter::tag("owner", "web")).states([InstanceState::Running]),
//! );
//! while let Some(instances) = pages.next().await? {
//!     for instance in instances {
//!         println!("{} {:?}", instance.instance_id, instance.public_ip);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//! - A changing call is sent again only when AWS said that it did not carry it out (throttled, expired
//!   credentials), or when no connection came about. After a time-out or a broken connection it is
//!   not: [`Ec2Error::outcome_unknown`] tells, and the caller looks before it acts again.
//! - Reading calls are tried up to three times, with jittered pauses.
//! - While AWS lets calls wait in vain for all of their time, others fail at once: see
//!   [`Wire`].
//! - Listings follow page tokens to the end, and end with an error if AWS repeats a token.
//! - No list of ids that happens to be empty ever means "all": it means none, without a call.
//! - Keys, signatures, session tokens and user data appear in no `Debug`, error or log line.

mod call;
mod classify;
mod config;
mod credentials;
mod endpoint;
mod error;
mod filter;
mod http;
mod images;
mod instances;
mod keys;
mod launch;
mod page;
mod params;
mod power;
mod sign;
mod tags;
mod transport;
mod types;
mod volumes;
mod xml;
mod zones;

use std::fmt;
use std::sync::Arc;

use xos_sync_core::http::Wire;

pub use config::{ConfigError, Ec2Builder};
pub use error::{Ec2Error, ErrorKind};
pub use filter::Filter;
pub use images::{BlockDevice, Image, ImageQuery};
pub use instances::{Instance, InstanceQuery, InstanceState};
pub use keys::{KeyPair, KeyPairQuery};
pub use launch::RunInstance;
pub use page::Pages;
pub use power::StateChange;
pub use tags::Tag;
pub use types::InstanceTypeOffering;
pub use volumes::{Attachment, Volume};
pub use zones::AvailabilityZone;

use credentials::CredentialCache;
use endpoint::Endpoint;

/// The EC2 service of one region. Cloning is cheap: clones share connections and credentials.
#[derive(Clone)]
pub struct Ec2 {
    inner: Arc<Inner>,
}

struct Inner {
    wire: Wire,
    endpoint: Endpoint,
    region: String,
    credentials: CredentialCache,
}

impl Ec2 {
    /// A client configured the way of all AWS tools: environment variables, the shared profiles in
    /// `~/.aws`, web identity, container and instance metadata; the endpoint from
    /// `AWS_ENDPOINT_URL_EC2` or `AWS_ENDPOINT_URL` when set.
    ///
    /// # Errors
    /// When the region or the credentials are missing, or a setting is not understood.
    pub async fn from_env() -> Result<Self, ConfigError> {
        Self::builder().load().await
    }

    /// A builder, for what shall not come from the environment.
    #[must_use]
    pub fn builder() -> Ec2Builder {
        Ec2Builder::default()
    }

    /// The URL requests go to, for messages.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.inner.endpoint.text()
    }

    /// The region this client works in, for example `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.inner.region
    }
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ec2")
            .field("endpoint", &self.endpoint())
            .field("region", &self.region())
            .finish_non_exhaustive()
    }
}
