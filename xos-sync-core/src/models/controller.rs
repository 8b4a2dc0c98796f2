//! What each controller knows of the other models: one row for each pair, made and removed by the
//! database as sites are deployed, which the original left to its model policies. Each goes with
//! either side, and is pending again when the thing that it stands for changes.

use super::{
    Controller, Image, Network, Site, SiteDeployment, SitePrivilege, Slice, SlicePrivilege, User,
};
use crate::{Id, model};

/// A site as one controller knows it.
#[model(
    table = controller_sites,
    unique(site_id, controller_id),
    expand(
        s in Site, d in SiteDeployment,
        on = "d.site_id = s.id",
        site_id = s.id, controller_id = d.controller_id,
    )
)]
pub struct ControllerSite {
    /// Its key.
    pub id: Id<ControllerSite>,
    /// The site.
    #[references(Site, on_delete = cascade, on_update = sync)]
    pub site_id: Id<Site>,
    /// The controller.
    #[references(Controller, on_delete = cascade)]
    pub controller_id: Id<Controller>,
    /// Its tenant there.
    #[backend]
    pub tenant_id: Option<String>,
}

/// A slice as one controller knows it.
#[model(
    table = controller_slices,
    unique(slice_id, controller_id),
    expand(
        s in Slice, d in SiteDeployment,
        on = "d.site_id = s.site_id",
        slice_id = s.id, controller_id = d.controller_id,
    )
)]
pub struct ControllerSlice {
    /// Its key.
    pub id: Id<ControllerSlice>,
    /// The slice.
    #[references(Slice, on_delete = cascade, on_update = sync)]
    pub slice_id: Id<Slice>,
    /// The controller.
    #[references(Controller, on_delete = cascade)]
    pub controller_id: Id<Controller>,
    /// Its tenant there.
    #[backend]
    pub tenant_id: Option<String>,
}

/// A user as one controller knows it.
#[model(
    table = controller_users,
    unique(user_id, controller_id),
    expand(
        u in User, c in Controller,
        user_id = u.id, controller_id = c.id,
    )
)]
pub struct ControllerUser {
    /// Its key.
    pub id: Id<ControllerUser>,
    /// The user.
    #[references(User, on_delete = cascade, on_update = sync)]
    pub user_id: Id<User>,
    /// The controller.
    #[references(Controller, on_delete = cascade)]
    pub controller_id: Id<Controller>,
    /// The user's account there.
    #[backend]
    pub kuser_id: Option<String>,
}

/// An image as one controller knows it.
#[model(
    table = controller_images,
    unique(image_id, controller_id),
    expand(
        i in Image, c in Controller,
        on = "i.kind = 'vm'",
        image_id = i.id, controller_id = c.id,
    )
)]
pub struct ControllerImage {
    /// Its key.
    pub id: Id<ControllerImage>,
    /// The image.
    #[references(Image, on_delete = cascade, on_update = sync)]
    pub image_id: Id<Image>,
    /// The controller.
    #[references(Controller, on_delete = cascade)]
    pub controller_id: Id<Controller>,
    /// The copy of it there.
    #[backend]
    pub glance_image_id: Option<String>,
}

/// A network as one controller knows it.
#[model(
    table = controller_networks,
    unique(network_id, controller_id),
    expand(
        n in Network, s in Slice, d in SiteDeployment,
        on = "s.id = n.owner_id AND d.site_id = s.site_id",
        network_id = n.id, controller_id = d.controller_id,
    )
)]
pub struct ControllerNetwork {
    /// Its key.
    pub id: Id<ControllerNetwork>,
    /// The network.
    #[references(Network, on_delete = cascade, on_update = sync)]
    pub network_id: Id<Network>,
    /// The controller.
    #[references(Controller, on_delete = cascade)]
    pub controller_id: Id<Controller>,
    /// The network there.
    #[backend]
    pub net_id: Option<String>,
    /// Its subnet there.
    #[backend]
    pub subnet_id: Option<String>,
    /// Its router there.
    #[backend]
    pub router_id: Option<String>,
    /// The range of addresses that it got there.
    #[backend]
    pub subnet: Option<String>,
}

/// A site privilege as one controller knows it.
#[model(
    table = controller_site_privileges,
    unique(site_privilege_id, controller_id),
    expand(
        p in SitePrivilege, d in SiteDeployment,
        on = "d.site_id = p.site_id",
        site_privilege_id = p.id, controller_id = d.controller_id,
    )
)]
pub struct ControllerSitePrivilege {
    /// Its key.
    pub id: Id<ControllerSitePrivilege>,
    /// The privilege.
    #[references(SitePrivilege, on_delete = cascade, on_update = sync)]
    pub site_privilege_id: Id<SitePrivilege>,
    /// The controller.
    #[references(Controller, on_delete = cascade)]
    pub controller_id: Id<Controller>,
    /// The role there.
    #[backend]
    pub role_id: Option<String>,
}

/// A slice privilege as one controller knows it.
#[model(
    table = controller_slice_privileges,
    unique(slice_privilege_id, controller_id),
    expand(
        p in SlicePrivilege, s in Slice, d in SiteDeployment,
        on = "s.id = p.slice_id AND d.site_id = s.site_id",
        slice_privilege_id = p.id, controller_id = d.controller_id,
    )
)]
pub struct ControllerSlicePrivilege {
    /// Its key.
    pub id: Id<ControllerSlicePrivilege>,
    /// The privilege.
    #[references(SlicePrivilege, on_delete = cascade, on_update = sync)]
    pub slice_privilege_id: Id<SlicePrivilege>,
    /// The controller.
    #[references(Controller, on_delete = cascade)]
    pub controller_id: Id<Controller>,
    /// The role there.
    #[backend]
    pub role_id: Option<String>,
}
