//! A slim, typed client of OpenStack: Keystone, Glance, Nova and Neutron.
//!
//! It speaks for the steps of this crate: only the operations they need, each a method of [`Cloud`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use xos_sync_openstack::client::{Cloud, ServerQuery};
//!
//! let cloud = Cloud::from_env()?;
//! let mut pages = cloud.servers(&ServerQuery { all_projects: Some(true), ..Default::default() });
//! while let Some(servers) = pages.next().await? {
//!     for server in servers {
//!         println!("{} {} {:?}", server.id, server.name, server.status);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//! - A changing call is sent again only when it was not carried out: the service said so (throttled,
//!   token expired), or no connection came about. After a time-out, a broken connection or an error of
//!   the service's own it is not: [`CloudError::outcome_unknown`] tells, and the caller looks before it
//!   acts again.
//! - Reading calls are tried up to three times, with jittered pauses.
//! - While a service lets calls wait in vain for all of their time, others fail at once: see [`Wire`].
//! - A token is renewed before it expires, and once when a service refuses it.
//! - Listings follow the links to the next page to the end, and end with an error if a service repeats
//!   one. Tokens are sent to the addresses of the catalogue only.
//! - Passwords, tokens and user data appear in no `Debug`, error or log line.
//! - An id from elsewhere cannot change which operation is called.

mod auth;
mod call;
mod catalog;
mod classify;
mod clouds_yaml;
mod config;
mod create;
mod error;
mod flavors;
mod hypervisors;
mod images;
mod interfaces;
mod keys;
mod networks;
mod page;
mod ports;
mod projects;
mod quotas;
mod roles;
mod routers;
mod security_groups;
mod send;
mod servers;
mod service;
mod session;
mod settings;
mod subnets;
mod transport;
mod upload;
mod users;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use reqwest::Url;
pub use xos_sync_core::Secret;
use xos_sync_core::http::Wire;

pub use auth::{Credentials, Identity, Named, Scope};
pub use catalog::Interface;
pub use config::{CloudBuilder, ConfigError};
pub use create::{Attachment, NewServer, ServerChange};
pub use error::{CloudError, ErrorKind};
pub use flavors::{Flavor, NewFlavor};
pub use hypervisors::{Availability, Hypervisor};
pub use images::{Image, ImageQuery, NewImage};
pub use keys::KeyPair;
pub use networks::{Network, NetworkChange, NetworkQuery, NewNetwork, Tagged};
pub use page::Pages;
pub use ports::{FixedIp, NewPort, Port, PortChange, PortQuery};
pub use projects::{Domain, NewProject, Project, ProjectChange, ProjectQuery};
pub use quotas::{ComputeQuota, NetworkQuota};
pub use roles::{Assignment, AssignmentQuery, Role};
pub use routers::{NewRouter, Router, RouterQuery};
pub use security_groups::{SecurityGroup, SecurityGroupQuery};
pub use servers::{Server, ServerQuery, ServerStatus};
pub use service::Service;
pub use subnets::{Gateway, NewSubnet, Subnet, SubnetQuery};
pub use upload::Uploaded;
pub use users::{NewUser, User, UserChange, UserQuery};

use session::Session;

/// A cloud, seen with one user's rights in one project. Cloning is cheap: clones share connections and
/// token.
#[derive(Clone)]
pub struct Cloud {
    shared: Arc<Shared>,
    session: Arc<Session>,
}

/// What clients of one cloud have in common.
struct Shared {
    wire: Wire,
    keystone: Url,
    region: Option<String>,
    interface: Interface,
    addresses: HashMap<Service, Url>,
    /// The same credentials in other scopes.
    scoped: Mutex<HashMap<Scope, Arc<Session>>>,
}

/// How many tokens for other projects are kept.
const SCOPES: usize = 1024;

impl Cloud {
    /// The cloud that the environment names, the way of all OpenStack tools: `OS_CLOUD` names an entry
    /// of a clouds.yaml, otherwise the variables `OS_AUTH_URL`, `OS_USERNAME` and so on say it all.
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When a setting is missing or not understood.
    pub fn from_env() -> Result<Self, ConfigError> {
        CloudBuilder::from_env()?.build()
    }

    /// The entry of this name in a clouds.yaml, found where all OpenStack tools look. Nothing is sent
    /// yet.
    ///
    /// # Errors
    /// When there is none, or a setting is missing or not understood.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        CloudBuilder::named(name)?.build()
    }

    /// A builder, for what shall not come from the environment: the address of Keystone, and who calls.
    #[must_use]
    pub fn builder(auth_url: impl Into<String>, credentials: Credentials) -> CloudBuilder {
        CloudBuilder::new(auth_url, credentials)
    }

    /// The address of Keystone, for messages.
    #[must_use]
    pub fn auth_url(&self) -> &str {
        self.shared.keystone.as_str()
    }

    /// The region whose services are called, if one was chosen.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.shared.region.as_deref()
    }

    /// Whom the cloud takes us for. Asks Keystone unless there is a token already.
    ///
    /// # Errors
    /// When Keystone does not answer or refuses the credentials.
    pub async fn identity(&self) -> Result<Identity, CloudError> {
        let token = self.session.token(&self.shared.wire, &self.shared.keystone).await?;
        Ok(token.identity.clone())
    }

    /// The same credentials in another scope, for example another project, in which they need a role.
    #[must_use]
    pub fn scoped(&self, scope: Scope) -> Self {
        let mut scoped = self.shared.scoped.lock().unwrap_or_else(|broken| broken.into_inner());
        if scoped.len() >= SCOPES {
            scoped.clear();
        }
        let session = scoped
            .entry(scope.clone())
            .or_insert_with(|| Arc::new(Session::new(self.session.credentials().clone(), scope)));
        Self { shared: self.shared.clone(), session: session.clone() }
    }

    /// The same credentials in the project with this id.
    #[must_use]
    pub fn in_project(&self, id: impl Into<String>) -> Self {
        self.scoped(Scope::Project(id.into()))
    }

    /// Another user's view of the same cloud.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials, scope: Scope) -> Self {
        let session = Arc::new(Session::new(credentials, scope));
        Self { shared: self.shared.clone(), session }
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud")
            .field("auth_url", &self.auth_url())
            .field("region", &self.region())
            .finish_non_exhaustive()
    }
}
