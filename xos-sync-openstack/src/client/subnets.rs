//! Neutron: subnets.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Call;
use super::networks::PAGE;
use super::{Cloud, CloudError, Pages, Service};

/// A subnet: the addresses of a network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Subnet {
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
    /// Its addresses, for example `10.0.0.0/24`.
    pub cidr: String,
    /// 4 or 6.
    pub ip_version: u8,
    /// The address of its gateway, if it has one.
    pub gateway_ip: Option<String>,
    /// Whether servers are told their address by DHCP.
    pub enable_dhcp: bool,
    /// Its name servers.
    #[serde(default)]
    pub dns_nameservers: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// The gateway of a subnet to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// The subnet's first address.
    #[default]
    First,
    /// This address.
    At(String),
    /// None: nothing leads out.
    None,
}

/// A subnet to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewSubnet {
    /// Its name.
    pub name: String,
    /// Its description, which can be listed by: the place for a mark that must be there at once.
    pub description: String,
    /// The network that it shall belong to.
    pub network_id: String,
    /// The project that it shall belong to; the caller's if not set.
    pub project_id: Option<String>,
    /// Its addresses, for example `10.0.0.0/24`.
    pub cidr: String,
    /// Its gateway.
    #[serde(skip)]
    pub gateway: Gateway,
    /// Whether servers are told their address by DHCP; they are if not set.
    pub enable_dhcp: Option<bool>,
    /// Its name servers.
    pub dns_nameservers: Vec<String>,
}

/// Which subnets to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SubnetQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those of exactly this description.
    pub description: Option<String>,
    /// Those of this network.
    pub network_id: Option<String>,
    /// Those of this project.
    pub project_id: Option<String>,
    /// Those with exactly these addresses.
    pub cidr: Option<String>,
    /// Those that have this tag.
    #[serde(rename = "tags")]
    pub tag: Option<String>,
}

impl Cloud {
    /// The subnets that `query` describes, of those that these credentials may see.
    pub fn subnets(&self, query: &SubnetQuery) -> Pages<Subnet> {
        let call = Call::get(Service::Network, ["subnets"], "list subnets").query(query);
        Pages::new(self, call.set("limit", PAGE), "subnets")
    }

    /// Makes a subnet.
    ///
    /// # Errors
    /// Those of the call; `Invalid` when its addresses overlap with another one's of the same network.
    pub async fn create_subnet(&self, subnet: &NewSubnet) -> Result<Subnet, CloudError> {
        let asked = format!("create subnet {} of {}", subnet.name, subnet.cidr);
        let mut call = Call::post(Service::Network, ["subnets"], asked).fields("subnet", subnet);
        if let Some(fields) = call.body.as_mut().and_then(|body| body["subnet"].as_object_mut()) {
            let version = if subnet.cidr.contains(':') { 6 } else { 4 };
            fields.insert("ip_version".to_owned(), json!(version));
            let gateway = match &subnet.gateway {
                Gateway::First => None,
                Gateway::At(address) => Some(json!(address)),
                Gateway::None => Some(Value::Null),
            };
            fields.extend(gateway.map(|gateway| ("gateway_ip".to_owned(), gateway)));
        }
        self.read(call, "subnet").await
    }

    /// Deletes a subnet.
    ///
    /// # Errors
    /// Those of the call; `Conflict` while a port has an address of it.
    pub async fn delete_subnet(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete subnet {id}");
        self.act(Call::delete(Service::Network, ["subnets", id], asked)).await
    }
}
