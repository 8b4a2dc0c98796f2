//! Clouds: deployments, the controllers that run them, and the nodes in them.

use super::Site;
use crate::{Id, Secret, model};

/// A cloud under one administration, such as `Amazon EC2`.
///
/// It stays until its controllers and instances are gone.
#[model(table = deployments)]
pub struct Deployment {
    /// Its key.
    pub id: Id<Deployment>,
    /// What people call it.
    #[unique]
    pub name: String,
    /// Who may use it, as a list of rules.
    #[default("allow all")]
    pub access_control: String,
}

/// The endpoint that runs a deployment, such as one OpenStack installation.
#[model(table = controllers)]
pub struct Controller {
    /// Its key.
    pub id: Id<Controller>,
    /// What people call it.
    #[unique]
    pub name: String,
    /// The kind of backend, such as `OpenStack`.
    pub backend_type: String,
    /// The backend's version.
    pub version: Option<String>,
    /// Where to log in.
    pub auth_url: Option<String>,
    /// As whom.
    pub admin_user: Option<String>,
    /// With which password.
    pub admin_password: Option<Secret>,
    /// In which tenant.
    pub admin_tenant: Option<String>,
    /// In which domain.
    pub domain: Option<String>,
    /// The cloud that it runs.
    #[references(Deployment)]
    pub deployment_id: Id<Deployment>,
}

/// A site's share in a deployment; it goes with either.
#[model(table = site_deployments, unique(site_id, deployment_id, controller_id))]
pub struct SiteDeployment {
    /// Its key.
    pub id: Id<SiteDeployment>,
    /// The site.
    #[references(Site, on_delete = cascade)]
    pub site_id: Id<Site>,
    /// The deployment.
    #[references(Deployment, on_delete = cascade)]
    pub deployment_id: Id<Deployment>,
    /// The endpoint that serves the site there.
    #[references(Controller)]
    pub controller_id: Option<Id<Controller>>,
    /// The zone that stands for the site there.
    pub availability_zone: Option<String>,
}

/// A machine that instances run on, or an instance type in one zone where a cloud hides its
/// machines. It goes with its site deployment, after its instances.
#[model(table = nodes)]
pub struct Node {
    /// Its key.
    pub id: Id<Node>,
    /// The host's name, or such as `m3.large.us-east-1a`.
    #[unique]
    pub name: String,
    /// Where it stands.
    #[references(SiteDeployment, on_delete = cascade)]
    pub site_deployment_id: Id<SiteDeployment>,
    /// Whose it is, when that is not the site where it stands.
    #[references(Site)]
    pub site_id: Option<Id<Site>>,
}

/// A size of instances.
#[model(table = flavors)]
pub struct Flavor {
    /// Its key.
    pub id: Id<Flavor>,
    /// What people call it.
    pub name: String,
    /// What it offers.
    pub description: Option<String>,
    /// What the backend calls it, such as `m1.small`.
    pub flavor: String,
    /// Its place in a list.
    #[default(0)]
    pub position: i32,
    /// Whether it is taken when nobody says otherwise.
    #[default(false)]
    pub is_default: bool,
}
