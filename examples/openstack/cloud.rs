//! Where everything goes: the cloud that is configured, else one on this machine.

use std::env;
use std::fs;
use std::path::Path;

use xos_sync_core::Id;
use xos_sync_core::models::{Deployment, NewController};
use xos_sync_examples::{Fallible, Options, Service};
use xos_sync_openstack::BACKEND_TYPE;
use xos_sync_openstack::client::{
    self, CloudBuilder, ConfigError, NewFlavor, NewNetwork, NewSubnet,
};

/// What the cloud on this machine is called in its clouds.yaml.
const LOOPBACK: &str = "loopback";
/// With what its administrator logs in.
const ADMIN: &str = "admin";

/// An OpenStack cloud.
pub(crate) struct Cloud {
    client: client::Cloud,
    name: String,
    server: Option<Server>,
}

/// The cloud on this machine, and how often it had been called when this program began.
struct Server {
    service: Service,
    before: (usize, usize),
}

impl Cloud {
    /// The one that is configured, else one that is started here.
    pub(crate) async fn find(options: &Options) -> Fallible<Self> {
        match client::Cloud::from_env() {
            Ok(client) => {
                let name = env::var("OS_CLOUD").ok().filter(|name| !name.is_empty());
                let name = name.unwrap_or_else(|| "the OS_ variables".to_owned());
                println!("a cloud is configured ({name}): {}", client.auth_url());
                return Ok(Self { client, name, server: None });
            }
            Err(ConfigError::NoCloud) => {}
            Err(error) => return Err(error.into()),
        }
        println!(
            "no cloud is configured (OS_CLOUD, OS_AUTH_URL): starting an OpenStack on this machine"
        );
        let (service, file) =
            Service::start("openstack", "run/keystone.pid", "openstack", options)?;
        let client = CloudBuilder::from_file(Path::new(&file), LOOPBACK)?.build()?;
        println!("it is at {}{}", client.auth_url(), service.since());
        if service.is_fresh() {
            operate(&client).await?;
        }
        let before = requests(&service);
        let server = Some(Server { service, before });
        Ok(Self { client, name: LOOPBACK.to_owned(), server })
    }

    /// As the one who may do everything.
    pub(crate) fn client(&self) -> &client::Cloud {
        &self.client
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The row that stands for it. One that is configured is found again by its name.
    pub(crate) fn controller(&self, deployment: Id<Deployment>) -> NewController {
        let controller = NewController::new(&self.name, BACKEND_TYPE, deployment);
        if self.server.is_none() {
            return controller;
        }
        NewController {
            auth_url: Some(self.client.auth_url().to_owned()),
            admin_user: Some(ADMIN.to_owned()),
            admin_password: Some(ADMIN.into()),
            admin_tenant: Some(ADMIN.to_owned()),
            ..controller
        }
    }

    /// The server, if it is ours.
    pub(crate) fn service(&self) -> Option<&Service> {
        self.server.as_ref().map(|server| &server.service)
    }

    /// Whether nothing is to be left on it.
    pub(crate) fn is_cleaned(&self, options: &Options) -> bool {
        options.clean || (self.server.is_some() && !options.keep && !options.bring_up)
    }

    /// Says how often it was called, from its own record.
    pub(crate) fn calls(&self) {
        let Some(server) = &self.server else { return };
        let (reading, changing) = requests(&server.service);
        println!(
            "\nthis run called the cloud {} times to read, {} times to change",
            reading - server.before.0,
            changing - server.before.1
        );
    }

    /// Says what is left, and stops the cloud on this machine unless it is kept.
    pub(crate) fn goodbye(self, file: &Path, options: &Options) {
        let address = self.client.auth_url();
        match self.server {
            None if options.clean => {}
            None => println!(
                "what was made stays at {address}; to delete it: cargo run --example openstack -- --yes --clean \
                 --database {}",
                file.display()
            ),
            Some(server) => server.service.goodbye(address, file),
        }
    }
}

/// What the operator of a cloud does: sizes, and a network that leads outside.
async fn operate(cloud: &client::Cloud) -> Fallible {
    for (name, ram) in [("demo.small", 64), ("demo.large", 128)] {
        let name = name.to_owned();
        let flavor = NewFlavor { name, vcpus: 1, ram, disk: 1, ..NewFlavor::default() };
        cloud.create_flavor(&flavor).await?;
    }
    let outside = NewNetwork {
        name: "outside".to_owned(),
        external: Some(true),
        network_type: Some("flat".to_owned()),
        physical_network: Some("outside".to_owned()),
        ..NewNetwork::default()
    };
    let network_id = cloud.create_network(&outside).await?.id;
    let cidr = "203.0.113.0/24".to_owned();
    cloud.create_subnet(&NewSubnet { network_id, cidr, ..NewSubnet::default() }).await?;
    Ok(())
}

/// How often our client has called the services of a cloud on this machine: to read, and to change.
fn requests(service: &Service) -> (usize, usize) {
    let log = |name| service.folder().join("log").join(format!("access-{name}.log"));
    let logs = ["keystone", "glance", "neutron", "nova"].map(log);
    let text: String = logs.iter().filter_map(|log| fs::read_to_string(log).ok()).collect();
    let ours = text.lines().filter(|line| line.contains(" xos-sync-openstack/"));
    let (reading, changing): (Vec<_>, Vec<_>) =
        ours.partition(|line| line.contains(" GET ") || line.contains(" /v3/auth/tokens "));
    (reading.len(), changing.len())
}
