//! Neutron: security groups.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use super::networks::PAGE;
use super::{Cloud, CloudError, Pages, Service};

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name, which need not be unique.
    pub name: String,
    /// The project that it belongs to.
    pub project_id: String,
}

/// Which security groups to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SecurityGroupQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those of any of these projects. Neutron makes the default one of the first of them, if there is none
    /// yet.
    #[serde(rename = "project_id")]
    pub project_ids: Vec<String>,
}

impl SecurityGroup {
    /// Whether it is the one that Neutron makes by itself, for each project in which there is something.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.name == "default"
    }
}

impl Cloud {
    /// The security groups that `query` describes, of those that these credentials may see.
    pub fn security_groups(&self, query: &SecurityGroupQuery) -> Pages<SecurityGroup> {
        let call = Call::get(Service::Network, ["security-groups"], "list security groups");
        Pages::new(self, call.query(query).set("limit", PAGE), "security_groups")
    }

    /// Makes a security group in a project.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn create_security_group(
        &self,
        name: &str,
        project_id: &str,
    ) -> Result<SecurityGroup, CloudError> {
        let asked = format!("create security group {name}");
        let fields = json!({"security_group": {"name": name, "project_id": project_id}});
        let call = Call::post(Service::Network, ["security-groups"], asked).body(fields);
        self.read(call, "security_group").await
    }

    /// Deletes a security group; a project's default one as an administrator.
    ///
    /// # Errors
    /// Those of the call; `Conflict` while it is in use.
    pub async fn delete_security_group(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete security group {id}");
        self.act(Call::delete(Service::Network, ["security-groups", id], asked)).await
    }
}
