//! Nova: servers, as they are seen.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// How many servers a page holds: Nova asks Neutron for the ports of all of them at once.
const PAGE: &str = "100";

/// What a server is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerStatus {
    /// It runs.
    Active,
    /// It is being made.
    Build,
    /// It is being made anew of an image.
    Rebuild,
    /// It is being resized or moved.
    Resize,
    /// It was resized; somebody must confirm that it is good.
    VerifyResize,
    /// It goes back to its old size.
    RevertResize,
    /// It restarts.
    Reboot,
    /// It is off.
    Shutoff,
    /// It is lost, or what was tried failed: see [`Server::fault`].
    Error,
    /// It is gone.
    Deleted,
    /// Something else, in Nova's words.
    Other(String),
}

impl<'de> Deserialize<'de> for ServerStatus {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(from)?.as_str() {
            "ACTIVE" => Self::Active,
            "BUILD" => Self::Build,
            "REBUILD" => Self::Rebuild,
            "RESIZE" | "MIGRATING" => Self::Resize,
            "VERIFY_RESIZE" => Self::VerifyResize,
            "REVERT_RESIZE" => Self::RevertResize,
            "REBOOT" | "HARD_REBOOT" => Self::Reboot,
            "SHUTOFF" => Self::Shutoff,
            "ERROR" => Self::Error,
            "DELETED" | "SOFT_DELETED" => Self::Deleted,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Server {
    /// Its id.
    pub id: String,
    /// Its name, which need not be unique.
    pub name: String,
    /// What it is doing.
    pub status: ServerStatus,
    /// What is being done with it, for example `deleting`; none when nothing is.
    #[serde(rename = "OS-EXT-STS:task_state")]
    pub task_state: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The project that it belongs to.
    #[serde(rename = "tenant_id")]
    pub project_id: String,
    /// The user that made it.
    pub user_id: String,
    /// Its metadata.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The key pair that it was made with, if any.
    pub key_name: Option<String>,
    image: Value,
    flavor: OwnFlavor,
    #[serde(default)]
    addresses: HashMap<String, Vec<Address>>,
    fault: Option<Fault>,
    /// The host that it is on, which only administrators see.
    #[serde(rename = "OS-EXT-SRV-ATTR:host")]
    pub host: Option<String>,
    /// The machine that it is on, which only administrators see.
    #[serde(rename = "OS-EXT-SRV-ATTR:hypervisor_hostname")]
    pub hypervisor: Option<String>,
    /// The zone that it is in.
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    pub availability_zone: Option<String>,
    /// When it was made, as Nova writes it.
    pub created: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct OwnFlavor {
    original_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Address {
    addr: String,
    #[serde(rename = "OS-EXT-IPS:type")]
    kind: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Fault {
    message: String,
}

impl Server {
    /// The id of the image that it was made of; none when it started from a volume.
    #[must_use]
    pub fn image_id(&self) -> Option<&str> {
        self.image.get("id")?.as_str()
    }

    /// The name that its flavor had when it was made or resized.
    #[must_use]
    pub fn flavor_name(&self) -> &str {
        &self.flavor.original_name
    }

    /// Its address in the network of this name.
    #[must_use]
    pub fn address(&self, network: &str) -> Option<&str> {
        let fixed = self.addresses.get(network)?.iter().find(|address| address.is_fixed())?;
        Some(&fixed.addr)
    }

    /// All its addresses, by the names of the networks.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &str)> {
        self.addresses.iter().flat_map(|(network, addresses)| {
            addresses.iter().map(move |address| (network.as_str(), address.addr.as_str()))
        })
    }

    /// Why it is in the state `Error`, or what failed last.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_ref().map(|fault| fault.message.as_str())
    }
}

impl Address {
    fn is_fixed(&self) -> bool {
        self.kind.as_deref() != Some("floating")
    }
}

/// Which servers to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServerQuery {
    /// Those whose name matches this regular expression of the database's.
    pub name: Option<String>,
    /// Those that have this tag.
    #[serde(rename = "tags")]
    pub tag: Option<String>,
    /// Those of this status, in Nova's words, for example `ACTIVE`.
    pub status: Option<String>,
    /// Those of all projects. For administrators; the caller's project only if not set.
    #[serde(rename = "all_tenants")]
    pub all_projects: Option<bool>,
    /// Those of this project. For administrators, with `all_projects`.
    pub project_id: Option<String>,
    /// Those on this host. For administrators.
    pub host: Option<String>,
}

impl Cloud {
    /// The servers that `query` describes, a hundred at a time.
    pub fn servers(&self, query: &ServerQuery) -> Pages<Server> {
        let call = Call::get(Service::Compute, ["servers", "detail"], "list servers").query(query);
        Pages::new(self, call.set("limit", PAGE), "servers")
    }

    /// A server by its id.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn server(&self, id: &str) -> Result<Server, CloudError> {
        let call = Call::get(Service::Compute, ["servers", id], format!("read server {id}"));
        self.read(call, "server").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read() {
        let server: Server = serde_json::from_str(
            r#"{"id": "s", "name": "web", "status": "ERROR", "OS-EXT-STS:task_state": null, "description": null,
                "tenant_id": "p", "user_id": "u", "metadata": {"a": "b"}, "tags": ["t"], "key_name": null,
                "image": {"id": "i"}, "flavor": {"original_name": "m1", "vcpus": 1}, "created": "2026",
                "addresses": {"n": [{"addr": "1.2.3.4", "OS-EXT-IPS:type": "floating", "version": 4},
                                    {"addr": "10.0.0.3", "OS-EXT-IPS:type": "fixed", "version": 4}]},
                "fault": {"code": 500, "message": "No valid host was found."}}"#,
        )
        .unwrap();
        assert_eq!(server.status, ServerStatus::Error);
        assert_eq!((server.image_id(), server.flavor_name()), (Some("i"), "m1"));
        assert_eq!(server.address("n"), Some("10.0.0.3"));
        assert_eq!(server.addresses().count(), 2);
        assert_eq!(server.fault(), Some("No valid host was found."));
    }

    #[test]
    fn a_server_of_a_volume_has_no_image() {
        let server: Server = serde_json::from_str(
            r#"{"id": "s", "name": "web", "status": "SHELVED", "tenant_id": "p", "user_id": "u", "image": "",
                "flavor": {"original_name": "m1"}, "created": "2026"}"#,
        )
        .unwrap();
        assert_eq!(server.image_id(), None);
        assert_eq!(server.status, ServerStatus::Other("SHELVED".to_owned()));
    }
}
