//! How much a project may have.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::{Cloud, CloudError, Service};

/// How much a project may have of Nova's; -1 is no limit. What is not set stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeQuota {
    /// How many servers.
    pub instances: Option<i64>,
    /// How many virtual processors.
    pub cores: Option<i64>,
    /// How much memory, in MB.
    pub ram: Option<i64>,
}

/// How much a project may have of Neutron's; -1 is no limit. What is not set stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkQuota {
    /// How many networks.
    pub network: Option<i64>,
    /// How many subnets.
    pub subnet: Option<i64>,
    /// How many ports.
    pub port: Option<i64>,
    /// How many routers.
    pub router: Option<i64>,
    /// How many floating addresses.
    pub floatingip: Option<i64>,
}

impl Cloud {
    /// How much a project may have of Nova's.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn compute_quota(&self, project_id: &str) -> Result<ComputeQuota, CloudError> {
        let asked = format!("read the quota of project {project_id}");
        self.read(Call::get(Service::Compute, ["os-quota-sets", project_id], asked), "quota_set")
            .await
    }

    /// Sets how much a project may have of Nova's, even when it has more already.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn set_compute_quota(
        &self,
        project_id: &str,
        quota: &ComputeQuota,
    ) -> Result<ComputeQuota, CloudError> {
        let asked = format!("set the quota of project {project_id}");
        let mut call = Call::put(Service::Compute, ["os-quota-sets", project_id], asked)
            .fields("quota_set", quota);
        if let Some(body) = &mut call.body {
            body["quota_set"]["force"] = true.into();
        }
        self.read(call, "quota_set").await
    }

    /// Gives a project Nova's default quota again.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn reset_compute_quota(&self, project_id: &str) -> Result<(), CloudError> {
        let asked = format!("reset the quota of project {project_id}");
        self.act(Call::delete(Service::Compute, ["os-quota-sets", project_id], asked)).await
    }

    /// How much a project may have of Neutron's.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn network_quota(&self, project_id: &str) -> Result<NetworkQuota, CloudError> {
        let asked = format!("read the network quota of project {project_id}");
        self.read(Call::get(Service::Network, ["quotas", project_id], asked), "quota").await
    }

    /// Sets how much a project may have of Neutron's.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn set_network_quota(
        &self,
        project_id: &str,
        quota: &NetworkQuota,
    ) -> Result<NetworkQuota, CloudError> {
        let asked = format!("set the network quota of project {project_id}");
        let call =
            Call::put(Service::Network, ["quotas", project_id], asked).fields("quota", quota);
        self.read(call, "quota").await
    }

    /// Gives a project Neutron's default quota again.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when it has that already.
    pub async fn reset_network_quota(&self, project_id: &str) -> Result<(), CloudError> {
        let asked = format!("reset the network quota of project {project_id}");
        self.act(Call::delete(Service::Network, ["quotas", project_id], asked)).await
    }
}
