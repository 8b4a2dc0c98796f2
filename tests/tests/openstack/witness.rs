//! What is on the cloud, as OpenStack's own client `openstack` sees it.

use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::own::Own;

/// Ids, and names of what has an own domain, all in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Witness {
    pub(crate) servers: Vec<String>,
    /// How many of the servers run.
    pub(crate) active: usize,
    pub(crate) networks: Vec<String>,
    pub(crate) subnets: Vec<String>,
    pub(crate) routers: Vec<String>,
    /// Those of servers.
    pub(crate) ports: Vec<String>,
    /// Those of routers.
    pub(crate) interfaces: Vec<String>,
    pub(crate) images: Vec<String>,
    pub(crate) projects: Vec<String>,
    pub(crate) users: Vec<String>,
    /// How many key pairs the Synchronizer's user has.
    pub(crate) keys: usize,
}

impl Witness {
    /// Names tell what is the test's own where a listing is of the whole cloud.
    pub(crate) fn look(own: &Own) -> Self {
        let Own { name, domain, user, .. } = own;
        let commands = [
            "server list --all-projects".to_owned(),
            "network list".to_owned(),
            "subnet list".to_owned(),
            "router list".to_owned(),
            "port list --long".to_owned(),
            "image list".to_owned(),
            format!("project list --domain {domain}"),
            format!("user list --domain {domain}"),
            format!("keypair list --user {user}"),
        ];
        let answers = openstack(&commands);
        let [servers, networks, subnets, routers, ports, images, projects, users, keys] =
            answers.as_slice()
        else {
            panic!("{answers:?}")
        };
        let ours = |rows: &[Value]| {
            let mut rows = rows.to_vec();
            rows.retain(|row| text(row, "Name").starts_with(name.as_str()));
            rows
        };
        let servers = ours(servers);
        let subnets = column(&ours(subnets), "ID");
        let (of_servers, of_others): (Vec<_>, Vec<_>) = ports
            .iter()
            .filter(|row| {
                let subnet = row["Fixed IP Addresses"][0]["subnet_id"].as_str();
                subnet.is_some_and(|subnet| subnets.iter().any(|own| own == subnet))
            })
            .cloned()
            .partition(|row| text(row, "Device Owner").starts_with("compute:"));
        Self {
            active: servers.iter().filter(|row| text(row, "Status") == "ACTIVE").count(),
            servers: column(&servers, "ID"),
            networks: column(&ours(networks), "ID"),
            subnets,
            routers: column(&ours(routers), "ID"),
            ports: column(&of_servers, "ID"),
            interfaces: column(&of_others, "ID"),
            images: column(&ours(images), "ID"),
            projects: column(projects, "Name"),
            users: column(users, "Name"),
            keys: keys.len(),
        }
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} servers, {} networks, {} subnets, {} routers, {} ports, {} images, {} projects, {} users, {} keys",
            self.servers.len(),
            self.networks.len(),
            self.subnets.len(),
            self.routers.len(),
            self.ports.len() + self.interfaces.len(),
            self.images.len(),
            self.projects.len(),
            self.users.len(),
            self.keys
        )
    }
}

fn text(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or_default().to_owned()
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    let mut column: Vec<_> = rows.iter().map(|row| text(row, name)).collect();
    column.sort();
    column
}

/// The answers of the client to some commands, in one process.
fn openstack(commands: &[String]) -> Vec<Vec<Value>> {
    let file = Own::file();
    let program = file.with_file_name("venv").join("bin").join("openstack");
    let mut child = Command::new(program)
        .env("OS_CLIENT_CONFIG_FILE", &file)
        .env("OS_CLOUD", "loopback")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for command in commands {
        writeln!(input, "{command} -f json").unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let answers: Vec<Vec<Value>> = answers.map(Result::unwrap).collect();
    // Its exit code says nothing when it reads commands.
    assert_eq!(answers.len(), commands.len(), "answers");
    answers
}
