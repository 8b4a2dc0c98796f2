//! Slices, and what people may do in them.

use super::{Flavor, Image, Isolation, Service, Site, User};
use crate::{Id, model};

crate::choices! {
    /// How containers of a slice see the network of their node.
    pub enum SliceNetwork {
        /// As the node does.
        Host = "host",
        /// Through a bridge.
        Bridged = "bridged",
    }
}

crate::choices! {
    /// What a person may be in a slice.
    pub enum SliceRoleKind {
        /// May change it.
        Admin = "admin",
        /// May use it.
        Default = "default",
    }
}

/// A set of instances and networks that belong together: what a project gets.
///
/// Its instances, networks, routers and privileges are deleted along with it.
#[model(table = slices)]
pub struct Slice {
    /// Its key.
    pub id: Id<Slice>,
    /// What people call it, by custom with the site's login base in front.
    #[unique]
    pub name: String,
    /// Whether it is in use.
    #[default(true)]
    pub enabled: bool,
    /// What it is for.
    pub description: Option<String>,
    /// Its page on the web.
    pub slice_url: Option<String>,
    /// Whose it is. The site stays until the slice is gone.
    #[references(Site)]
    pub site_id: Id<Site>,
    /// How many instances it may have.
    #[default(10)]
    pub max_instances: i32,
    /// The service that runs in it.
    #[references(Service)]
    pub service_id: Option<Id<Service>>,
    /// How its containers see the network; `None` for networks of their own.
    #[choice]
    pub network: Option<SliceNetwork>,
    /// Who made it.
    #[references(User)]
    pub creator_id: Option<Id<User>>,
    /// The size of instances that do not say.
    #[references(Flavor)]
    pub default_flavor_id: Option<Id<Flavor>>,
    /// The image of instances that do not say.
    #[references(Image)]
    pub default_image_id: Option<Id<Image>>,
    /// How instances that do not say are kept apart.
    #[choice]
    #[default(Isolation::Vm)]
    pub default_isolation: Isolation,
}

/// A role that users can have in slices.
#[model(table = slice_roles)]
pub struct SliceRole {
    /// Its key.
    pub id: Id<SliceRole>,
    /// Which one.
    #[choice]
    #[unique]
    #[label]
    pub role: SliceRoleKind,
}

/// One user's role in one slice; it goes with either.
#[model(table = slice_privileges, unique(user_id, slice_id, role_id))]
pub struct SlicePrivilege {
    /// Its key.
    pub id: Id<SlicePrivilege>,
    /// Who.
    #[references(User, on_delete = cascade)]
    pub user_id: Id<User>,
    /// Where.
    #[references(Slice, on_delete = cascade)]
    pub slice_id: Id<Slice>,
    /// As what.
    #[references(SliceRole)]
    pub role_id: Id<SliceRole>,
}
