//! Networks, and what is connected to them.

use super::{Instance, Slice};
use crate::{Id, model};

crate::choices! {
    /// Who can reach a network.
    pub enum Visibility {
        /// Everybody.
        Public = "public",
        /// Its instances.
        Private = "private",
    }
}

crate::choices! {
    /// What happens to addresses on the way out of a network.
    pub enum Translation {
        /// Nothing.
        None = "none",
        /// They are replaced by the node's.
        Nat = "nat",
    }
}

crate::choices! {
    /// How an administrator reaches instances through a network.
    pub enum Access {
        /// By way of the node.
        Indirect = "indirect",
        /// At once.
        Direct = "direct",
    }
}

/// What networks of one kind have in common. It stays until they are gone.
#[model(table = network_templates)]
pub struct NetworkTemplate {
    /// Its key.
    pub id: Id<NetworkTemplate>,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who can reach such a network.
    #[choice]
    #[default(Visibility::Private)]
    pub visibility: Visibility,
    /// What happens to addresses.
    #[choice]
    #[default(Translation::None)]
    pub translation: Translation,
    /// How an administrator gets in; `None` for not at all.
    #[choice]
    pub access: Option<Access>,
    /// The name of the one network that all share, when they do.
    pub shared_network_name: Option<String>,
    /// The backend's id of that network.
    pub shared_network_id: Option<String>,
}

/// A network that instances are on. It goes with the slice that owns it.
#[model(table = networks)]
pub struct Network {
    /// Its key.
    pub id: Id<Network>,
    /// What people call it.
    pub name: String,
    /// Its kind.
    #[references(NetworkTemplate)]
    pub template_id: Id<NetworkTemplate>,
    /// Its range of addresses, such as `10.0.1.0/24`; `None` for any.
    pub subnet: Option<String>,
    /// The ports that are forwarded to it, such as `tcp/80, udp/53`.
    pub ports: Option<String>,
    /// Free words for whoever configures it.
    pub labels: Option<String>,
    /// The slice that owns it.
    #[references(Slice, on_delete = cascade)]
    pub owner_id: Id<Slice>,
    /// Whether any slice may join it.
    #[default(false)]
    pub permit_all_slices: bool,
    /// Whether new instances of its slices are on it at once.
    #[default(true)]
    pub autoconnect: bool,
    /// The backend's id of the network.
    #[backend]
    pub network_id: Option<String>,
    /// The backend's id of its router.
    #[backend]
    pub router_id: Option<String>,
    /// The backend's id of its subnet.
    #[backend]
    pub subnet_id: Option<String>,
}

/// That a slice's instances are on a network; it goes with either.
#[model(table = network_slices, unique(network_id, slice_id))]
pub struct NetworkSlice {
    /// Its key.
    pub id: Id<NetworkSlice>,
    /// The network.
    #[references(Network, on_delete = cascade)]
    pub network_id: Id<Network>,
    /// The slice.
    #[references(Slice, on_delete = cascade)]
    pub slice_id: Id<Slice>,
}

/// One instance's plug in one network; it goes with either.
#[model(table = ports, unique(network_id, instance_id))]
pub struct Port {
    /// Its key.
    pub id: Id<Port>,
    /// The network.
    #[references(Network, on_delete = cascade)]
    pub network_id: Id<Network>,
    /// The instance; `None` for a plug that something else than an instance uses.
    #[references(Instance, on_delete = cascade)]
    pub instance_id: Option<Id<Instance>>,
    /// Its address on the network.
    #[backend]
    #[label]
    pub ip: Option<String>,
    /// The backend's id of it.
    #[backend]
    pub port_id: Option<String>,
    /// Its hardware address.
    #[backend]
    pub mac: Option<String>,
}

/// What joins networks of a slice. It goes with the slice that owns it.
#[model(table = routers)]
pub struct Router {
    /// Its key.
    pub id: Id<Router>,
    /// What people call it.
    pub name: String,
    /// The slice that owns it.
    #[references(Slice, on_delete = cascade)]
    pub owner_id: Id<Slice>,
}
