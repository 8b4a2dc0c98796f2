//! Sites, and what people may do there.

use super::User;
use crate::{Id, model};

crate::choices! {
    /// What a person may be at a site.
    pub enum SiteRoleKind {
        /// Runs the site.
        Admin = "admin",
        /// Answers for the site's slices.
        Pi = "pi",
        /// Answers for the site's machines.
        Tech = "tech",
        /// Receives the bills.
        Billing = "billing",
    }
}

/// An institution or place that owns slices, users and nodes.
///
/// It stays until its slices and users are gone: they are never deleted along with it.
#[model(table = sites)]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    /// What people call it.
    pub name: String,
    /// The short name that the names of its slices begin with.
    #[unique]
    pub login_base: String,
    /// An even shorter name.
    pub abbreviated_name: Option<String>,
    /// Its page on the web.
    pub site_url: Option<String>,
    /// Whether it is in use.
    #[default(true)]
    pub enabled: bool,
    /// Whether it may have nodes.
    #[default(true)]
    pub hosts_nodes: bool,
    /// Whether it may have users.
    #[default(true)]
    pub hosts_users: bool,
    /// Whether others see it.
    #[default(true)]
    pub is_public: bool,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

/// A role that users can have at sites.
#[model(table = site_roles)]
pub struct SiteRole {
    /// Its key.
    pub id: Id<SiteRole>,
    /// Which one.
    #[choice]
    #[unique]
    #[label]
    pub role: SiteRoleKind,
}

/// One user's role at one site; it goes with either.
#[model(table = site_privileges, unique(user_id, site_id, role_id))]
pub struct SitePrivilege {
    /// Its key.
    pub id: Id<SitePrivilege>,
    /// Who.
    #[references(User, on_delete = cascade)]
    pub user_id: Id<User>,
    /// Where.
    #[references(Site, on_delete = cascade)]
    pub site_id: Id<Site>,
    /// As what.
    #[references(SiteRole)]
    pub role_id: Id<SiteRole>,
}
