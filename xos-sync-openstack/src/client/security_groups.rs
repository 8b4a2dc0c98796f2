//! Neutron: security groups.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::networks::PAGE;
use super::{Cloud, CloudError, Pages, Service};

/// A security group: what may reach ports, and be reached from them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name, which need not be unique; `default` for the one that each project has.
    pub name: String,
    /// The project that it belongs to.
    pub project_id: String,
}

/// Which security groups to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SecurityGroupQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those of this project. Neutron makes the default one if the project has none yet, whether or not
    /// there is such a project.
    pub project_id: Option<String>,
}

impl Cloud {
    /// The security groups that `query` describes, of those that these credentials may see.
    pub fn security_groups(&self, query: &SecurityGroupQuery) -> Pages<SecurityGroup> {
        let call = Call::get(Service::Network, ["security-groups"], "list security groups");
        Pages::new(self, call.query(query).set("limit", PAGE), "security_groups")
    }

    /// Deletes a security group. A project's default one, which only administrators can delete, comes back
    /// with the next thing of Neutron's in the project.
    ///
    /// # Errors
    /// Those of the call; `Conflict` while ports use it.
    pub async fn delete_security_group(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete security group {id}");
        self.act(Call::delete(Service::Network, ["security-groups", id], asked)).await
    }
}
