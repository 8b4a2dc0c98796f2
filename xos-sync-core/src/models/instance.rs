//! Instances.

use super::{Deployment, Flavor, Image, Node, Slice, User};
use crate::{Id, model};

crate::choices! {
    /// How an instance is kept apart from others.
    pub enum Isolation {
        /// A virtual machine.
        Vm = "vm",
        /// A container on the node.
        Container = "container",
        /// A container in a virtual machine, the instance's parent.
        ContainerVm = "container_vm",
    }
}

/// A virtual machine or container. It goes with its slice.
#[model(table = instances)]
pub struct Instance {
    /// Its key.
    pub id: Id<Instance>,
    /// What people call it.
    pub name: String,
    /// The slice that it belongs to.
    #[references(Slice, on_delete = cascade)]
    pub slice_id: Id<Slice>,
    /// What it boots from.
    #[references(Image)]
    pub image_id: Id<Image>,
    /// The cloud that it runs in.
    #[references(Deployment)]
    pub deployment_id: Id<Deployment>,
    /// The machine that it runs on.
    #[references(Node)]
    pub node_id: Id<Node>,
    /// Its size; `None` for the slice's default, or what the node says.
    #[references(Flavor)]
    pub flavor_id: Option<Id<Flavor>>,
    /// Who made it.
    #[references(User)]
    pub creator_id: Option<Id<User>>,
    /// How it is kept apart.
    #[choice]
    #[default(Isolation::Vm)]
    pub isolation: Isolation,
    /// The virtual machine that a container lives in; it stays until the container is gone.
    #[references(Instance)]
    pub parent_id: Option<Id<Instance>>,
    /// How many cores it gets for itself; 0 for a share.
    #[default(0)]
    pub number_cores: i32,
    /// What it is given at its first boot.
    pub user_data: Option<String>,
    /// The folders of a container that outlive it, with commas between.
    pub volumes: Option<String>,
    /// The backend's id of it.
    #[backend]
    pub instance_id: Option<String>,
    /// The backend's second id, where it has two.
    #[backend]
    pub instance_uuid: Option<String>,
    /// The backend's name of it.
    #[backend]
    pub instance_name: Option<String>,
    /// The address at which it is reached.
    #[backend]
    pub ip: Option<String>,
    /// The size that it was launched with, in the backend's words.
    #[backend]
    pub backend_flavor: Option<String>,
    /// The image that it was launched from, in the backend's words.
    #[backend]
    pub backend_image: Option<String>,
}
