//! Neutron: ports.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::networks::PAGE;
use super::{Cloud, CloudError, Pages, Service};

/// A port: where something is connected with a network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Port {
    /// Its id.
    pub id: String,
    /// Its name, which need not be unique.
    pub name: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// The network that it belongs to.
    pub network_id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// For example `ACTIVE`.
    pub status: String,
    /// Its hardware address.
    pub mac_address: String,
    /// Its addresses.
    #[serde(default)]
    pub fixed_ips: Vec<FixedIp>,
    /// The id of what is connected, a server's for example; empty if nothing is.
    #[serde(default)]
    pub device_id: String,
    /// What kind of thing is connected, for example `compute:nova`; empty if nothing is.
    #[serde(default)]
    pub device_owner: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// An address of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedIp {
    /// The subnet that the address is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// The address; Neutron chooses one if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
}

/// A port to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewPort {
    /// Its name.
    pub name: String,
    /// Its description, which can be listed by: the place for a mark that must be there at once.
    pub description: String,
    /// The network that it shall belong to.
    pub network_id: String,
    /// The project that it shall belong to; the caller's if not set.
    pub project_id: Option<String>,
    /// Its addresses; one of each IP version of the network if not set.
    pub fixed_ips: Option<Vec<FixedIp>>,
    /// Its hardware address; Neutron chooses one if not set.
    pub mac_address: Option<String>,
    /// The ids of its security groups; the project's default one if not set.
    pub security_groups: Option<Vec<String>>,
}

/// What to change of a port. What is not set stays.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PortChange {
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// All its addresses.
    pub fixed_ips: Option<Vec<FixedIp>>,
}

/// Which ports to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PortQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those of exactly this description.
    pub description: Option<String>,
    /// Those of this network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_id: Option<String>,
    /// Those of any of these networks, instead: some fifty at once, since an address has its limits.
    #[serde(rename = "network_id", skip_serializing_if = "Vec::is_empty")]
    pub network_ids: Vec<String>,
    /// Those of this project.
    pub project_id: Option<String>,
    /// Those that this is connected to, a server's id for example.
    pub device_id: Option<String>,
    /// Those that this kind of thing is connected to.
    pub device_owner: Option<String>,
    /// Those that have this tag.
    #[serde(rename = "tags")]
    pub tag: Option<String>,
}

impl Cloud {
    /// The ports that `query` describes, of those that these credentials may see.
    pub fn ports(&self, query: &PortQuery) -> Pages<Port> {
        let call = Call::get(Service::Network, ["ports"], "list ports").query(query);
        Pages::new(self, call.set("limit", PAGE), "ports")
    }

    /// A port by its id.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn port(&self, id: &str) -> Result<Port, CloudError> {
        let call = Call::get(Service::Network, ["ports", id], format!("read port {id}"));
        self.read(call, "port").await
    }

    /// Makes a port.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when an address is taken, or none is free.
    pub async fn create_port(&self, port: &NewPort) -> Result<Port, CloudError> {
        let asked = format!("create port {} in network {}", port.name, port.network_id);
        let call = Call::post(Service::Network, ["ports"], asked).fields("port", port);
        self.read(call, "port").await
    }

    /// Changes a port.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn update_port(&self, id: &str, change: &PortChange) -> Result<Port, CloudError> {
        let call = Call::put(Service::Network, ["ports", id], format!("change port {id}"));
        self.read(call.fields("port", change), "port").await
    }

    /// Deletes a port.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when a router owns it.
    pub async fn delete_port(&self, id: &str) -> Result<(), CloudError> {
        self.act(Call::delete(Service::Network, ["ports", id], format!("delete port {id}"))).await
    }
}
