//! What a network should be, read from its row and those that it references.

use xos_sync_core::{
    Context, Row, StepError,
    models::{ControllerNetwork, Network, NetworkTemplate, Translation},
    ready,
    step::Ready,
};

use crate::client::{Cloud, Network as Found, NetworkQuery, SubnetQuery};
use crate::steps::answers::found;
use crate::steps::marks::UID;
use crate::steps::scope::project_of;

/// What a network should be.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) network: Row<Network>,
    pub(super) way_out: WayOut,
    /// The network of others that it stands for, if it does.
    pub(super) shared: Option<Shared>,
    /// The project, unless it is shared.
    pub(super) project: String,
}

/// What leads out of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WayOut {
    /// A router.
    Router,
    /// Nothing.
    Closed,
}

/// A network that all share, by what its template says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shared {
    id: Option<String>,
    name: Option<String>,
}

impl WayOut {
    pub(super) fn of(template: &NetworkTemplate) -> Self {
        match template.translation {
            Translation::Nat => Self::Router,
            Translation::None => Self::Closed,
        }
    }
}

impl Goal {
    pub(super) async fn read(
        cx: &Context,
        row: &Row<ControllerNetwork>,
    ) -> Result<Ready<Self>, StepError> {
        let network = cx.get(row.network_id).await?;
        let template = cx.get(network.template_id).await?;
        let way_out = WayOut::of(&template);
        let shared = Shared::of(template.into_object());
        let project = match shared {
            Some(_) => String::new(),
            None => {
                let slice = cx.get(network.owner_id).await?;
                ready!(project_of(cx, row, &slice, row.controller_id).await?)
            }
        };
        Ok(Ready::Continue(Self { network, way_out, shared, project }))
    }
}

impl Shared {
    pub(super) fn of(template: NetworkTemplate) -> Option<Self> {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (id, name) = (said(template.shared_network_id), said(template.shared_network_name));
        (id.is_some() || name.is_some()).then_some(Self { id, name })
    }

    /// Records the network and its first subnet.
    pub(super) async fn record(
        &self,
        cloud: &Cloud,
        row: &mut Row<ControllerNetwork>,
    ) -> Result<(), StepError> {
        let network = self.find(cloud).await?;
        if let Some(before) = row.net_id.as_ref().filter(|before| **before != network.id)
            && let Some(before) = found(cloud.network(before).await)?
            && before.description.starts_with(UID)
        {
            return Err(StepError::terminal(format!(
                "there is a network {} of its own on the cloud, which cannot become the shared network {}: delete \
                 this network and add another one, or undo the change of its template",
                before.id, network.name
            )));
        }
        let query = SubnetQuery { network_id: Some(network.id.clone()), ..SubnetQuery::default() };
        let mut subnets = cloud.subnets(&query).all().await.map_err(|it| it.into_step_error())?;
        subnets.sort_by(|a, b| (a.ip_version, &a.id).cmp(&(b.ip_version, &b.id)));
        let subnet = subnets.into_iter().next();
        row.net_id = Some(network.id);
        row.router_id = None;
        (row.subnet_id, row.subnet) = match subnet {
            Some(subnet) => (Some(subnet.id), Some(subnet.cidr)),
            None => (None, None),
        };
        Ok(())
    }

    async fn find(&self, cloud: &Cloud) -> Result<Found, StepError> {
        if let Some(id) = &self.id {
            // A name would be a guess at another one.
            return found(cloud.network(id).await)?.ok_or_else(|| missing(id));
        }
        let name = self.name.clone().unwrap_or_default();
        let query = NetworkQuery { name: Some(name.clone()), ..NetworkQuery::default() };
        let mut networks = cloud.networks(&query).all().await.map_err(|it| it.into_step_error())?;
        networks.retain(|network| network.shared || network.external);
        networks.sort_by(|a, b| a.id.cmp(&b.id));
        networks.into_iter().next().ok_or_else(|| missing(&name))
    }
}

fn missing(which: &str) -> StepError {
    StepError::transient(format!(
        "the cloud has no shared network {which}, which the network's template names: make it there, or change \
         the template; it tries again by itself"
    ))
}
