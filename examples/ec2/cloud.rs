//! Where the instances go: AWS when it is configured, else a server on this machine.

use std::env;
use std::fs;
use std::path::Path;

use xos_sync_ec2::client::Ec2;
use xos_sync_examples::{Fallible, Options, Service};

/// Settings that say that somebody means real AWS, or a server of their own.
const SETTINGS: [&str; 7] = [
    "AWS_ENDPOINT_URL_EC2",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SHARED_CREDENTIALS_FILE",
];

/// An EC2 API.
pub(crate) struct Cloud {
    ec2: Ec2,
    server: Option<Server>,
}

/// The server, and how many lines the record of its calls had when this program began.
struct Server {
    service: Service,
    before: usize,
}

impl Cloud {
    /// AWS if it is configured, else a server that is started here.
    pub(crate) async fn find(options: &Options) -> Fallible<Self> {
        if let Some(setting) = setting() {
            let ec2 = Ec2::from_env().await?;
            println!(
                "AWS is configured ({setting}): {} in region {}",
                ec2.endpoint(),
                ec2.region()
            );
            return Ok(Self { ec2, server: None });
        }
        println!("no AWS settings: starting a server that answers like EC2 (moto) on this machine");
        let (service, url) = Service::start("moto", "pid", "ec2", options)?;
        println!("it is at {url}{}", service.since());
        let before = record(&service).len();
        let ec2 =
            Ec2::builder().endpoint(url).region("us-east-1").credentials("example", "example");
        Ok(Self { ec2: ec2.build()?, server: Some(Server { service, before }) })
    }

    pub(crate) fn ec2(&self) -> &Ec2 {
        &self.ec2
    }

    /// The server, if it is ours.
    pub(crate) fn service(&self) -> Option<&Service> {
        self.server.as_ref().map(|server| &server.service)
    }

    /// Says what was called, from the server's own record.
    pub(crate) fn calls(&self) {
        let Some(server) = &self.server else { return };
        let record = record(&server.service);
        let calls = record.iter().skip(server.before).filter_map(|line| line.split(' ').nth(2));
        let (reading, changing): (Vec<_>, Vec<_>) =
            calls.partition(|call| call.starts_with("Describe"));
        println!(
            "\nthis run called EC2 {} times to read, {} times to change",
            reading.len(),
            changing.len()
        );
    }

    /// Says what is left, and stops the server unless it is kept.
    pub(crate) fn goodbye(self, file: &Path) {
        match self.server {
            None => println!(
                "the instances stay at {}; to delete them: cargo run --example ec2 -- --yes --clean --database {}",
                self.ec2.endpoint(),
                file.display()
            ),
            Some(server) => server.service.goodbye(self.ec2.endpoint(), file),
        }
    }
}

fn setting() -> Option<String> {
    let set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let file = |name: &str| {
        let path = Path::new(&env::var_os("HOME")?).join(".aws").join(name);
        path.exists().then(|| path.display().to_string())
    };
    let variable = SETTINGS.iter().find(set).map(|name| (*name).to_owned());
    variable.or_else(|| file("credentials")).or_else(|| file("config"))
}

/// What the server was asked, a line each.
fn record(service: &Service) -> Vec<String> {
    let text = fs::read_to_string(service.folder().join("actions.log")).unwrap_or_default();
    text.lines().filter(|line| line.contains(" ACTION ")).map(str::to_owned).collect()
}
