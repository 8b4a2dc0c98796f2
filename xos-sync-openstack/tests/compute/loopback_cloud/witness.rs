//! What the cloud has, and what it was asked.

use std::collections::BTreeMap;

use xos_sync_openstack::client::{NetworkQuery, PortQuery, RouterQuery, Server, ServerQuery};

use super::world::World;
use crate::support::Loopback;

impl World {
    /// The servers of the project, by name.
    pub(crate) async fn servers(&self) -> BTreeMap<String, Server> {
        let query = ServerQuery {
            all_projects: Some(true),
            project_id: Some(self.loopback.project.id.clone()),
            ..ServerQuery::default()
        };
        let servers = self.loopback.admin.servers(&query).all().await.unwrap();
        servers.into_iter().map(|server| (server.name.clone(), server)).collect()
    }

    /// How many networks, routers and ports the project has.
    pub(crate) async fn plumbing(&self) -> (usize, usize, usize) {
        let (admin, id) = (&self.loopback.admin, Some(self.loopback.project.id.clone()));
        let networks = NetworkQuery { project_id: id.clone(), ..NetworkQuery::default() };
        let networks = admin.networks(&networks).all().await.unwrap();
        let networks = networks.len();
        let routers = RouterQuery { project_id: id.clone(), ..RouterQuery::default() };
        let routers = admin.routers(&routers).all().await.unwrap().len();
        let ports = PortQuery { project_id: id, ..PortQuery::default() };
        (networks, routers, admin.ports(&ports).all().await.unwrap().len())
    }

    /// Removes all networks that these tests have made to lead outside.
    pub(crate) async fn close_outside(&self) {
        let admin = &self.loopback.admin;
        let query = NetworkQuery { external: Some(true), ..NetworkQuery::default() };
        for network in admin.networks(&query).all().await.unwrap() {
            assert!(network.name.starts_with('!'), "not of these tests: {network:?}");
            admin.delete_network(&network.id).await.unwrap();
        }
    }

    /// How many requests of this crate's client the cloud has seen: reading ones, and changing ones.
    pub(crate) fn requests() -> (usize, usize) {
        let log = Loopback::file().parent().unwrap().join("log");
        let (mut reading, mut changing) = (0, 0);
        for entry in std::fs::read_dir(log).unwrap() {
            let entry = entry.unwrap();
            if !entry.file_name().to_string_lossy().starts_with("access-") {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).unwrap();
            for line in text.lines().filter(|line| line.contains("xos-sync-openstack/")) {
                let method = line.split_whitespace().nth(2).unwrap();
                let logs_in = line.contains("/v3/auth/tokens");
                match method == "GET" || logs_in {
                    true => reading += 1,
                    false => changing += 1,
                }
            }
        }
        (reading, changing)
    }
}
