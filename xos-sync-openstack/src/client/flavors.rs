//! Nova: flavors, the sizes of servers.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// A flavor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Flavor {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many virtual processors.
    pub vcpus: u32,
    /// How much memory, in MB.
    pub ram: u32,
    /// How large a disk, in GB.
    pub disk: u32,
    /// Whether all projects may use it.
    #[serde(rename = "os-flavor-access:is_public", default)]
    pub is_public: bool,
}

/// A flavor to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewFlavor {
    /// Its name.
    pub name: String,
    /// Its id; Nova chooses one if not set.
    pub id: Option<String>,
    /// How many virtual processors.
    pub vcpus: u32,
    /// How much memory, in MB.
    pub ram: u32,
    /// How large a disk, in GB. With none, only administrators may use it with an image.
    pub disk: u32,
}

impl Cloud {
    /// All flavors that these credentials may use.
    pub fn flavors(&self) -> Pages<Flavor> {
        let call = Call::get(Service::Compute, ["flavors", "detail"], "list flavors");
        Pages::new(self, call, "flavors")
    }

    /// Makes a flavor.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when there is one of this name or id.
    pub async fn create_flavor(&self, flavor: &NewFlavor) -> Result<Flavor, CloudError> {
        let asked = format!("create flavor {}", flavor.name);
        let call = Call::post(Service::Compute, ["flavors"], asked).fields("flavor", flavor);
        self.read(call, "flavor").await
    }

    /// Deletes a flavor. Servers of it stay.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn delete_flavor(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete flavor {id}");
        self.act(Call::delete(Service::Compute, ["flavors", id], asked)).await
    }
}
