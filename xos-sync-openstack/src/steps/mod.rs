//! The steps, each named after what it provides.

mod accounts;
mod controller_images;
mod controller_site_privileges;
mod controller_sites;
mod controller_slice_privileges;
mod controller_slices;
mod controller_users;
mod copies;
mod grants;
mod images;
mod keys;
mod live;
mod marks;
mod privileges;
mod projects;
mod roles;

pub use controller_images::SyncControllerImages;
pub use controller_site_privileges::SyncControllerSitePrivileges;
pub use controller_sites::SyncControllerSites;
pub use controller_slice_privileges::SyncControllerSlicePrivileges;
pub use controller_slices::SyncControllerSlices;
pub use controller_users::SyncControllerUsers;
pub use images::SyncImages;
pub use marks::{SYNCHRONIZER, UID};
pub use roles::SyncRoles;
