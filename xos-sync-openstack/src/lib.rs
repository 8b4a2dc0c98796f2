//! The OpenStack Synchronizer: keeps projects, users, roles, images, networks and servers of one or more
//! OpenStack clouds in line with the goal state.
//!
//! Name this crate in your program (`use xos_sync_openstack as _;`), and its steps are linked in. They work
//! on the core data model, for every [`Controller`](xos_sync_core::models::Controller) whose `backend_type`
//! is [`OpenStack`](BACKEND_TYPE); see [`Clouds`] for how each is logged in to.
//!
//! | step | every | for each row | lists |
//! |---|---|---|---|
//! | [`SyncRoles`](steps::SyncRoles) | 5 minutes | the role must exist on each controller | finds roles that are gone |
//! | [`SyncControllerSites`](steps::SyncControllerSites) | 5 minutes | a project for each site | finds projects that are gone or changed |
//! | [`SyncControllerSlices`](steps::SyncControllerSlices) | 5 minutes | a project for each slice, with its quota | the same; a quota is looked at when the row is synced |
//! | [`SyncControllerUsers`](steps::SyncControllerUsers) | 5 minutes | an account and a key pair for each user | finds accounts that are gone or changed |
//! | [`SyncControllerSitePrivileges`](steps::SyncControllerSitePrivileges), [`SyncControllerSlicePrivileges`](steps::SyncControllerSlicePrivileges) | 5 minutes | a role in a project | finds roles that were revoked |
//! | [`SyncImages`](steps::SyncImages) | minute | the file must be there | adds an image for each file of the [`ImageDirectory`] |
//! | [`SyncControllerImages`](steps::SyncControllerImages) | 5 minutes | a copy of the image's file in Glance | finds copies that are gone |
//! | [`SyncControllerNetworks`](steps::SyncControllerNetworks) | 5 minutes | a network with a subnet, and a router where the template says so | finds networks that are gone, renamed or cut off |
//! | [`SyncInstances`](steps::SyncInstances) | minute | one server, see there | finds servers that are gone, off, changed, or not on their slice's networks |
//! | [`SyncPorts`](steps::SyncPorts) | 5 minutes | a port, see there | adds a port for each that an instance has by itself |
//! | [`SyncNodes`](steps::SyncNodes) | hour | the host must be there | adds a node for each host |
//! | [`SyncFlavors`](steps::SyncFlavors) | hour | a cloud must have it | adds a flavor for each that a cloud has |
//!
//! A listing takes a few requests for each controller, however many rows there are: a page of a hundred
//! servers, of five hundred things of Neutron's, of the ports of fifty networks. While one controller does
//! not answer, the others are listed.
//!
//! # Marks
//! All that is made carries the row's uid and the Synchronizer's name from its first moment, by which it is
//! found again after a lost answer: servers in tags and metadata, projects and images in tags, accounts,
//! networks, subnets, routers and ports in their description. Leave them alone.
//!
//! # Configuration
//! The clouds are the rows of the controllers. What a change of an instance's image means is said by
//! [`ImageChange`], where images' files are by [`ImageDirectory`], and what roles are called on the clouds by
//! [`RoleNames`].
//!
//! # Permissions
//! The user of a controller needs the role `admin`, also in the projects of slices: servers are put on given
//! hosts, and networks belong to other projects than the user's own.

pub mod client;
pub mod steps;

mod clouds;
mod image_change;
mod image_directory;
mod role_names;

pub use clouds::{BACKEND_TYPE, Clouds};
pub use image_change::{ImageChange, ImageChangeError};
pub use image_directory::{ImageDirectory, ImageDirectoryError};
pub use role_names::{RoleNames, RoleNamesError};

xos_sync_core::backend!(Clouds, Clouds::linked);
xos_sync_core::backend!(ImageChange, ImageChange::from_env);
xos_sync_core::backend!(ImageDirectory, ImageDirectory::from_env);
xos_sync_core::backend!(RoleNames, RoleNames::from_env);
