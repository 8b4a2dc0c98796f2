//! The steps, each named after what it provides.

mod deployments;
mod errors;
mod images;
mod instances;
mod marks;
mod nodes;
mod rows;
mod site_deployments;
mod sites;
mod users;
mod zones;

pub use deployments::{DEPLOYMENT, SyncDeployments};
pub use images::SyncImages;
pub use instances::SyncInstances;
pub use marks::{NAME_TAG, SLICE_TAG, SYNCHRONIZER_TAG, UID_TAG};
pub use nodes::SyncNodes;
pub use site_deployments::SyncSiteDeployments;
pub use sites::{SITE_URL, SyncSites};
pub use users::SyncUsers;

use errors::told;
