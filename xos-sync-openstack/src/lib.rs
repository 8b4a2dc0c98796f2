//! The OpenStack Synchronizer: keeps projects, users, roles, images, networks and servers of one or more
//! OpenStack clouds in line with the goal state.
//!
//! Name this crate in your program (`use xos_sync_openstack as _;`), and its steps are linked in. They work
//! on the core data model, for every [`Controller`](xos_sync_core::models::Controller) whose `backend_type`
//! is [`OpenStack`](BACKEND_TYPE); see [`Clouds`] for how each is logged in to.

pub mod client;
pub mod steps;

mod clouds;
mod image_directory;
mod role_names;

pub use clouds::{BACKEND_TYPE, Clouds};
pub use image_directory::{ImageDirectory, ImageDirectoryError};
pub use role_names::{RoleNames, RoleNamesError};

xos_sync_core::backend!(Clouds, Clouds::linked);
xos_sync_core::backend!(ImageDirectory, ImageDirectory::from_env);
xos_sync_core::backend!(RoleNames, RoleNames::from_env);
