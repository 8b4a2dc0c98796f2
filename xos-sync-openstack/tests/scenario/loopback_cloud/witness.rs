//! What is there, as the official client says it: a line each, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Deserializer, Value};

use super::goal::{Offer, RESIZED};
use crate::loopback::Loopback;
use crate::world::{Side, World};

/// Remembers what there was, so that nothing of it is overlooked when its project is gone.
#[derive(Default)]
pub(super) struct Witness {
    projects: BTreeSet<String>,
    subnets: BTreeSet<String>,
}

impl Witness {
    /// What is there of this world.
    pub(super) fn lines(&mut self, world: &World, offer: &Offer) -> Vec<String> {
        let (side, mut lines) = (world.side(), Vec::new());
        let domain = &side.domain.id;
        let commands = [
            format!("project list --long --domain {domain}"),
            format!("user list --long --domain {domain}"),
            "role assignment list --names".to_owned(),
            format!("keypair list --user {}", side.own.id),
            "image list --long".to_owned(),
            "network list --long".to_owned(),
            "subnet list --long".to_owned(),
            "security group list".to_owned(),
            "server list --long --all-projects".to_owned(),
            "router list --long".to_owned(),
            "port list --long".to_owned(),
        ];
        let mut answers = openstack(&commands).into_iter();
        let mut next = || answers.next().unwrap();
        self.people(side, &next(), &next(), &next(), &mut lines);
        lines.extend(next().iter().map(|it| format!("key {}", it.text("Name"))));
        for it in next().iter().filter(|it| it.text("Project") == side.home.id) {
            let columns = ["ID", "Name", "Status", "Visibility", "Disk Format"];
            lines.push(format!("image {}", it.texts(columns)));
        }
        self.networks(&next(), &next(), &next(), &mut lines);
        self.servers(&next(), &mut lines);
        self.ports(&next(), &next(), offer, &mut lines);
        lines.sort();
        lines
    }

    fn is_ours(&self, column: &str, it: &Value) -> bool {
        self.projects.contains(&it.text(column))
    }

    /// Projects, users, and who may do what.
    fn people(
        &mut self,
        side: &Side,
        projects: &[Value],
        users: &[Value],
        roles: &[Value],
        lines: &mut Vec<String>,
    ) {
        for it in projects.iter().filter(|it| it.text("ID") != side.home.id) {
            self.projects.insert(it.text("ID"));
            let (enabled, name) = (it.number("Enabled"), it.text("Description"));
            lines.push(format!("project {} {enabled} {name}", it.texts(["ID", "Name"])));
        }
        for it in users.iter().filter(|it| it.text("ID") != side.own.id) {
            assert_eq!(it.text("Name"), it.text("Email"));
            lines.push(format!("user {} {}", it.texts(["ID", "Name"]), it.number("Enabled")));
        }
        let at = format!("@{}", side.domain.name);
        for it in roles {
            let (user, project) = (it.text("User"), it.text("Project"));
            let of_domain = user.strip_suffix(&at).zip(project.strip_suffix(&at));
            if let Some((user, project)) = of_domain.filter(|(_, it)| *it != side.home.name) {
                lines.push(format!("role {user} {} {project}", it.text("Role")));
            }
        }
    }

    /// Networks, subnets, and security groups.
    fn networks(
        &mut self,
        networks: &[Value],
        subnets: &[Value],
        groups: &[Value],
        lines: &mut Vec<String>,
    ) {
        for it in networks.iter().filter(|it| self.is_ours("Project", it)) {
            lines.push(format!("network {}", it.texts(["ID", "Name", "Project"])));
        }
        let ours: Vec<_> = subnets.iter().filter(|it| self.is_ours("Project", it)).collect();
        for it in ours {
            self.subnets.insert(it.text("ID"));
            lines.push(format!("subnet {}", it.texts(["ID", "Network", "Subnet"])));
        }
        for it in groups.iter().filter(|it| self.is_ours("Project", it)) {
            lines.push(format!("group {}", it.texts(["Name", "Project"])));
        }
    }

    /// Servers with their addresses.
    fn servers(&self, servers: &[Value], lines: &mut Vec<String>) {
        for it in servers.iter().filter(|it| self.is_ours("Project ID", it)) {
            if it["Task State"] != Value::Null {
                lines.push(format!("task {} {}", it.text("ID"), it["Task State"]));
            }
            let columns = ["ID", "Name", "Status", "Flavor", "Image ID", "Project ID"];
            let uid = it["Properties"].text("xos-uid");
            lines.push(format!("server {} {uid}", it.texts(columns)));
            if !RESIZED.contains(&it.text("Name").as_str()) {
                lines.push(format!("host {}", it.texts(["ID", "Host"])));
            }
            for (network, addresses) in it["Networks"].as_object().unwrap() {
                for address in addresses.as_array().unwrap() {
                    let (id, address) = (it.text("ID"), address.as_str().unwrap());
                    lines.push(format!("address {id} {network} {address}"));
                }
            }
        }
    }

    /// Routers with their ports, and those of servers.
    fn ports(&self, routers: &[Value], ports: &[Value], offer: &Offer, lines: &mut Vec<String>) {
        let (mut inside, mut gateways) = (BTreeMap::new(), BTreeSet::new());
        for it in ports {
            let (id, owner) = (it.text("ID"), it.text("Device Owner"));
            for fixed in it["Fixed IP Addresses"].as_array().unwrap() {
                let (subnet, ip) = (fixed.text("subnet_id"), fixed.text("ip_address"));
                if subnet == offer.outside_subnet {
                    assert_eq!(owner, "network:router_gateway", "{it}");
                    gateways.insert(ip);
                } else if self.subnets.contains(&subnet) && owner == "network:router_interface" {
                    inside.insert(id.clone(), subnet);
                } else if self.subnets.contains(&subnet) {
                    assert_eq!(owner, "compute:nova", "{it}");
                    lines.push(format!("port {id} {} {ip} {subnet}", it.text("MAC Address")));
                }
            }
        }
        let ours: Vec<_> = routers.iter().filter(|it| self.is_ours("Project", it)).collect();
        let asked: Vec<_> =
            ours.iter().map(|it| format!("port list --router {}", it.text("ID"))).collect();
        for (it, ports) in ours.iter().zip(openstack(&asked)) {
            let gateway = &it["External gateway info"];
            assert_eq!(gateway.text("network_id"), offer.outside.id);
            for fixed in gateway["external_fixed_ips"].as_array().unwrap() {
                assert!(gateways.remove(&fixed.text("ip_address")), "{it}");
            }
            let subnets: Vec<_> =
                ports.iter().filter_map(|port| inside.remove(&port.text("ID"))).collect();
            let of = it.texts(["ID", "Name", "Project"]);
            lines.push(format!("router {of} leads out of {}", subnets.join(" ")));
        }
        assert!(inside.is_empty() && gateways.is_empty(), "of no router: {inside:?} {gateways:?}");
    }
}

/// Has the official client carry out commands, in one process.
pub(super) fn openstack(commands: &[String]) -> Vec<Vec<Value>> {
    let answers = run(commands.iter().map(|command| format!("{command} -f json\n")).collect());
    let documents = Deserializer::from_slice(&answers).into_iter::<Vec<Value>>();
    let documents: Vec<_> = documents.map(Result::unwrap).collect();
    assert_eq!(documents.len(), commands.len(), "{commands:?}");
    documents
}

/// The same with commands whose answers do not matter.
pub(super) fn openstack_does(commands: &[String]) {
    run(commands.iter().map(|command| format!("{command}\n")).collect());
}

fn run(input: String) -> Vec<u8> {
    if input.is_empty() {
        return Vec::new();
    }
    let file = Loopback::file();
    let mut process = Command::new(file.with_file_name("venv").join("bin/openstack"))
        .env("OS_CLIENT_CONFIG_FILE", &file)
        .env("OS_CLOUD", "loopback")
        .env("OS_COMPUTE_API_VERSION", "2.79")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    // Commands from stdin end with 1 in any case; what fails is told.
    assert!(output.status.code() == Some(1) && output.stderr.is_empty(), "{input}: {output:?}");
    output.stdout
}

/// Columns of an answer.
pub(super) trait Columns {
    /// A text; an empty one if it is not there.
    fn text(&self, name: &str) -> String;
    /// Several, with a space between.
    fn texts<const N: usize>(&self, names: [&str; N]) -> String {
        names.map(|name| self.text(name)).join(" ")
    }
    /// 1 for what is true, 0 for what is not, as SQLite writes it.
    fn number(&self, name: &str) -> u8;
}

impl Columns for Value {
    fn text(&self, name: &str) -> String {
        self[name].as_str().unwrap_or_default().to_owned()
    }

    fn number(&self, name: &str) -> u8 {
        u8::from(self[name].as_bool().unwrap())
    }
}
