//! Neutron: networks, and the tags of all its things.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// How many things a page of a listing holds.
pub(super) const PAGE: &str = "500";

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Network {
    /// Its id.
    pub id: String,
    /// Its name, which need not be unique.
    pub name: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// For example `ACTIVE`.
    pub status: String,
    /// Whether all projects may use it.
    pub shared: bool,
    /// Whether it leads outside, so that routers can have their gateway in it.
    #[serde(rename = "router:external", default)]
    pub external: bool,
    /// The ids of its subnets.
    #[serde(default)]
    pub subnets: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A network to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewNetwork {
    /// Its name.
    pub name: String,
    /// Its description, which can be listed by: the place for a mark that must be there at once.
    pub description: String,
    /// The project that it shall belong to; the caller's if not set.
    pub project_id: Option<String>,
    /// Whether all projects may use it.
    pub shared: Option<bool>,
    /// Whether it leads outside.
    #[serde(rename = "router:external")]
    pub external: Option<bool>,
    /// For example `vlan`; the cloud decides if not set.
    #[serde(rename = "provider:network_type")]
    pub network_type: Option<String>,
    /// The operator's name for the wire.
    #[serde(rename = "provider:physical_network")]
    pub physical_network: Option<String>,
    /// The number of its VLAN or the like.
    #[serde(rename = "provider:segmentation_id")]
    pub segmentation_id: Option<u32>,
}

/// What to change of a network. What is not set stays.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NetworkChange {
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether all projects may use it.
    pub shared: Option<bool>,
}

/// Which networks to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NetworkQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those of exactly this description.
    pub description: Option<String>,
    /// Those of this project.
    pub project_id: Option<String>,
    /// Those that lead outside, or those that do not.
    #[serde(rename = "router:external")]
    pub external: Option<bool>,
    /// Those that have this tag.
    #[serde(rename = "tags")]
    pub tag: Option<String>,
}

/// What tags are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged<'a> {
    /// The network with this id.
    Network(&'a str),
    /// The subnet with this id.
    Subnet(&'a str),
    /// The port with this id.
    Port(&'a str),
    /// The router with this id.
    Router(&'a str),
}

impl Cloud {
    /// The networks that `query` describes, of those that these credentials may see.
    pub fn networks(&self, query: &NetworkQuery) -> Pages<Network> {
        let call = Call::get(Service::Network, ["networks"], "list networks").query(query);
        Pages::new(self, call.set("limit", PAGE), "networks")
    }

    /// A network by its id.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn network(&self, id: &str) -> Result<Network, CloudError> {
        let call = Call::get(Service::Network, ["networks", id], format!("read network {id}"));
        self.read(call, "network").await
    }

    /// Makes a network.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn create_network(&self, network: &NewNetwork) -> Result<Network, CloudError> {
        let asked = format!("create network {}", network.name);
        let call = Call::post(Service::Network, ["networks"], asked).fields("network", network);
        self.read(call, "network").await
    }

    /// Changes a network.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn update_network(
        &self,
        id: &str,
        change: &NetworkChange,
    ) -> Result<Network, CloudError> {
        let call = Call::put(Service::Network, ["networks", id], format!("change network {id}"));
        self.read(call.fields("network", change), "network").await
    }

    /// Deletes a network, with its subnets.
    ///
    /// # Errors
    /// Those of the call; `Conflict` while it has ports.
    pub async fn delete_network(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete network {id}");
        self.act(Call::delete(Service::Network, ["networks", id], asked)).await
    }

    /// Gives a thing of Neutron's exactly these tags.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn set_tags(&self, tagged: Tagged<'_>, tags: &[&str]) -> Result<(), CloudError> {
        let (kind, id) = match tagged {
            Tagged::Network(id) => ("networks", id),
            Tagged::Subnet(id) => ("subnets", id),
            Tagged::Port(id) => ("ports", id),
            Tagged::Router(id) => ("routers", id),
        };
        let call = Call::put(Service::Network, [kind, id, "tags"], format!("tag {kind} {id}"));
        self.act(call.body(json!({"tags": tags}))).await
    }
}
