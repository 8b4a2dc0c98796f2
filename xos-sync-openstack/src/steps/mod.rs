//! The steps, each named after what it provides.

mod answers;
mod flavors;
mod instances;
mod marks;
mod networks;
mod nodes;
mod ports;
mod scope;

pub use flavors::SyncFlavors;
pub use instances::SyncInstances;
pub use marks::{SYNCHRONIZER, UID};
pub use networks::SyncControllerNetworks;
pub use nodes::SyncNodes;
pub use ports::SyncPorts;
