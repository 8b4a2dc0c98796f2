//! Neutron: routers.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Call;
use super::networks::PAGE;
use super::{Cloud, CloudError, Pages, Service};

/// A router.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Router {
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
    #[serde(rename = "external_gateway_info")]
    gateway: Option<GatewayInfo>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct GatewayInfo {
    network_id: String,
}

/// A router to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewRouter {
    /// Its name.
    pub name: String,
    /// Its description, which can be listed by: the place for a mark that must be there at once.
    pub description: String,
    /// The project that it shall belong to; the caller's if not set.
    pub project_id: Option<String>,
    /// The external network in which it has its gateway, if it has one.
    #[serde(skip)]
    pub external_network_id: Option<String>,
}

/// Which routers to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RouterQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those of exactly this description.
    pub description: Option<String>,
    /// Those of this project.
    pub project_id: Option<String>,
    /// Those that have this tag.
    #[serde(rename = "tags")]
    pub tag: Option<String>,
}

impl Router {
    /// The external network in which it has its gateway, if it has one.
    #[must_use]
    pub fn external_network_id(&self) -> Option<&str> {
        self.gateway.as_ref().map(|gateway| gateway.network_id.as_str())
    }
}

impl Cloud {
    /// The routers that `query` describes, of those that these credentials may see.
    pub fn routers(&self, query: &RouterQuery) -> Pages<Router> {
        let call = Call::get(Service::Network, ["routers"], "list routers").query(query);
        Pages::new(self, call.set("limit", PAGE), "routers")
    }

    /// A router by its id.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn router(&self, id: &str) -> Result<Router, CloudError> {
        let call = Call::get(Service::Network, ["routers", id], format!("read router {id}"));
        self.read(call, "router").await
    }

    /// Makes a router.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn create_router(&self, router: &NewRouter) -> Result<Router, CloudError> {
        let asked = format!("create router {}", router.name);
        let mut call = Call::post(Service::Network, ["routers"], asked).fields("router", router);
        if let (Some(id), Some(body)) = (&router.external_network_id, &mut call.body) {
            body["router"]["external_gateway_info"] = json!({"network_id": id});
        }
        self.read(call, "router").await
    }

    /// Gives a router its gateway in an external network, or takes it.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn set_gateway(
        &self,
        id: &str,
        external_network_id: Option<&str>,
    ) -> Result<Router, CloudError> {
        let gateway = external_network_id.map_or(Value::Null, |id| json!({"network_id": id}));
        let call =
            Call::put(Service::Network, ["routers", id], format!("set gateway of router {id}"));
        self.read(call.body(json!({"router": {"external_gateway_info": gateway}})), "router").await
    }

    /// Connects a subnet with a router, by a port at the subnet's gateway address.
    ///
    /// # Errors
    /// Those of the call; `Invalid` when it is connected already.
    pub async fn add_interface(&self, router: &str, subnet: &str) -> Result<(), CloudError> {
        let asked = format!("connect subnet {subnet} with router {router}");
        let path = ["routers", router, "add_router_interface"];
        let call = Call::put(Service::Network, path, asked);
        self.act(call.body(json!({"subnet_id": subnet}))).await
    }

    /// Takes a subnet from a router.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when it is not connected.
    pub async fn remove_interface(&self, router: &str, subnet: &str) -> Result<(), CloudError> {
        let asked = format!("take subnet {subnet} from router {router}");
        let path = ["routers", router, "remove_router_interface"];
        let call = Call::put(Service::Network, path, asked);
        self.act(call.body(json!({"subnet_id": subnet}))).await
    }

    /// Deletes a router.
    ///
    /// # Errors
    /// Those of the call; `Conflict` while subnets are connected.
    pub async fn delete_router(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete router {id}");
        self.act(Call::delete(Service::Network, ["routers", id], asked)).await
    }
}
