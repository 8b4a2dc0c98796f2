//! What a test that fails leaves in the cloud, and who removes it.

use std::thread;
use std::time::Duration;

use xos_sync_openstack::client::{
    Cloud, CloudError, ImageQuery, NetworkQuery, PortQuery, ProjectQuery, RouterQuery,
    SecurityGroupQuery, ServerQuery,
};

/// How often a project's servers are looked at until none is left.
const LOOKS: u32 = 300;

/// Removes a test's domain with all that is in it when the test ends without having done so itself:
/// a network that leads outside is every later test's too.
#[derive(Debug)]
pub(crate) struct Cleanup {
    domain_id: String,
    name: String,
    administrator: fn() -> Cloud,
    is_needed: bool,
}

impl Cleanup {
    /// Of this domain, and of flavors, external networks and a key pair that bear this name.
    pub(crate) fn new(domain_id: &str, name: &str, administrator: fn() -> Cloud) -> Self {
        let (domain_id, name) = (domain_id.to_owned(), name.to_owned());
        Self { domain_id, name, administrator, is_needed: true }
    }

    /// The test removes all by itself.
    pub(crate) fn is_done(&mut self) {
        self.is_needed = false;
    }

    async fn remove(&self) -> Result<(), CloudError> {
        let admin = (self.administrator)();
        let query =
            ProjectQuery { domain_id: Some(self.domain_id.clone()), ..ProjectQuery::default() };
        let projects = admin.projects(&query).all().await?;
        for project in &projects {
            empty(&admin, &project.id).await?;
        }
        let query = NetworkQuery { external: Some(true), ..NetworkQuery::default() };
        for network in admin.networks(&query).all().await? {
            if network.name.trim_start_matches('!') == self.name {
                admin.delete_network(&network.id).await?;
            }
        }
        for flavor in admin.flavors().all().await? {
            if flavor.name.starts_with(&format!("{}-", self.name)) {
                admin.delete_flavor(&flavor.id).await?;
            }
        }
        // Most tests have none.
        let _ = admin.delete_key_pair(&self.name, None).await;
        for project in &projects {
            admin.delete_project(&project.id).await?;
        }
        admin.delete_domain(&self.domain_id).await
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        if !self.is_needed {
            return;
        }
        // The test's own runtime may be one that must not be blocked.
        let removed = thread::scope(|scope| {
            let this = &*self;
            let removing = scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(this.remove())
            });
            removing.join()
        });
        if !matches!(removed, Ok(Ok(()))) {
            eprintln!("{} is left in the cloud: {removed:?}", self.name);
        }
    }
}

/// Removes all that is in a project, users of things before the things.
async fn empty(admin: &Cloud, project: &str) -> Result<(), CloudError> {
    let project_id = Some(project.to_owned());
    let query = ServerQuery {
        all_projects: Some(true),
        project_id: project_id.clone(),
        ..ServerQuery::default()
    };
    for _ in 0..LOOKS {
        let servers = admin.servers(&query).all().await?;
        if servers.is_empty() {
            break;
        }
        for server in servers {
            // It may be on its way already.
            let _ = admin.delete_server(&server.id).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let query = RouterQuery { project_id: project_id.clone(), ..RouterQuery::default() };
    for router in admin.routers(&query).all().await? {
        let query = PortQuery { device_id: Some(router.id.clone()), ..PortQuery::default() };
        for port in admin.ports(&query).all().await? {
            for subnet in port.fixed_ips.into_iter().filter_map(|fixed| fixed.subnet_id) {
                // The port of the gateway is no interface.
                let _ = admin.remove_interface(&router.id, &subnet).await;
            }
        }
        admin.delete_router(&router.id).await?;
    }
    let query = PortQuery { project_id: project_id.clone(), ..PortQuery::default() };
    for port in admin.ports(&query).all().await? {
        admin.delete_port(&port.id).await?;
    }
    let query = NetworkQuery { project_id, ..NetworkQuery::default() };
    for network in admin.networks(&query).all().await? {
        admin.delete_network(&network.id).await?;
    }
    let query = ImageQuery { owner: Some(project.to_owned()), ..ImageQuery::default() };
    for image in admin.images(&query).all().await? {
        admin.delete_image(&image.id).await?;
    }
    let query = SecurityGroupQuery {
        project_ids: vec![project.to_owned()],
        ..SecurityGroupQuery::default()
    };
    for group in admin.security_groups(&query).all().await? {
        admin.delete_security_group(&group.id).await?;
    }
    Ok(())
}
