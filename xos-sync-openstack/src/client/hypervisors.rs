//! Nova: the machines that servers run on, and zones of them.

use serde::Deserialize;

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// A machine that servers run on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Hypervisor {
    /// Its id.
    pub id: String,
    /// Its name, by which a server can be put on it.
    #[serde(rename = "hypervisor_hostname")]
    pub name: String,
    /// Its kind, for example `QEMU`.
    #[serde(rename = "hypervisor_type")]
    pub kind: String,
    /// Whether it reports: `up` or `down`.
    pub state: String,
    /// Whether servers may be put on it: `enabled` or `disabled`.
    pub status: String,
    service: ComputeService,
    /// How many virtual processors.
    pub vcpus: Option<u32>,
    /// How much memory, in MB.
    pub memory_mb: Option<u64>,
    /// How large a disk, in GB.
    pub local_gb: Option<u64>,
    /// How many servers run on it.
    pub running_vms: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ComputeService {
    host: String,
}

/// A zone: machines that fail independently of those of other zones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Availability {
    /// Its name.
    #[serde(rename = "zoneName")]
    pub name: String,
    #[serde(rename = "zoneState")]
    state: ZoneState,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ZoneState {
    available: bool,
}

impl Hypervisor {
    /// The host whose compute service manages it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.service.host
    }

    /// Whether servers can be put on it now.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.state == "up" && self.status == "enabled"
    }
}

impl Availability {
    /// Whether servers can be put in it now.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.state.available
    }
}

impl Cloud {
    /// All machines that servers run on. For administrators.
    pub fn hypervisors(&self) -> Pages<Hypervisor> {
        let call = Call::get(Service::Compute, ["os-hypervisors", "detail"], "list hypervisors");
        Pages::new(self, call.set("limit", "500"), "hypervisors")
    }

    /// All zones.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn availability_zones(&self) -> Result<Vec<Availability>, CloudError> {
        let path = ["os-availability-zone"];
        self.read(Call::get(Service::Compute, path, "list zones"), "availabilityZoneInfo").await
    }
}
