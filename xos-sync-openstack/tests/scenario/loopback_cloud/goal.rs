//! The goal state: two sites, five users, six slices with a network and five instances each.

use tokio::sync::{Mutex, MutexGuard};
use xos_sync_openstack::client::{Flavor, Network, NewFlavor, NewNetwork, NewSubnet};

use crate::world::World;

/// What people type: two public keys.
const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X ana",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYNcLTMZyp7qzDcPbuUoBfmQmzBqWpy1B9F0hFhDZpM dan",
];

/// The instances that get another size at some time, and with it a host that Nova chooses.
pub(super) const RESIZED: [&str; 4] = ["hub_web-1", "hub_db-1", "hub_job-1", "hub_job-5"];

/// Flavors and external networks are the whole cloud's.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What the operators of the cloud provide, to one test after the other.
pub(super) struct Offer {
    pub(super) small: Flavor,
    pub(super) large: Flavor,
    /// Leads outside.
    pub(super) outside: Network,
    pub(super) outside_subnet: String,
    _alone: MutexGuard<'static, ()>,
}

impl Offer {
    pub(super) async fn new(world: &World) -> Self {
        let alone = ALONE.lock().await;
        let (admin, name) = (&world.side().admin, &world.name);
        let flavor = async |suffix: &str, ram| {
            let name = format!("{name}-{suffix}");
            let new = NewFlavor { name, vcpus: 1, ram, disk: 1, ..NewFlavor::default() };
            admin.create_flavor(&new).await.unwrap()
        };
        let network = NewNetwork {
            // First by name.
            name: format!("!{name}"),
            external: Some(true),
            network_type: Some("flat".to_owned()),
            physical_network: Some(name.clone()),
            ..NewNetwork::default()
        };
        let outside = admin.create_network(&network).await.unwrap();
        let subnet = NewSubnet {
            network_id: outside.id.clone(),
            cidr: "203.0.113.0/24".to_owned(),
            ..NewSubnet::default()
        };
        let outside_subnet = admin.create_subnet(&subnet).await.unwrap().id;
        let (small, large) = (flavor("small", 64).await, flavor("large", 128).await);
        Self { small, large, outside, outside_subnet, _alone: alone }
    }

    pub(super) async fn close(self, world: &World) {
        let admin = &world.side().admin;
        admin.delete_network(&self.outside.id).await.unwrap();
        for flavor in [&self.small, &self.large] {
            admin.delete_flavor(&flavor.id).await.unwrap();
        }
    }
}

/// The sites, and the files of the images: what the first listings need to bring in nodes, flavors and
/// images.
pub(super) async fn begin(world: &World) {
    for image in ["disk", "other"] {
        world.file(&format!("{}-{image}.raw", world.name), image);
    }
    for statement in [
        "INSERT INTO sites (name, login_base) VALUES ('The Lab', 'lab'), ('The Hub', 'hub')",
        "INSERT INTO site_deployments (site_id, deployment_id, controller_id)
             SELECT s.id, c.deployment_id, c.id FROM sites AS s, controllers AS c",
        "INSERT INTO site_roles (role) VALUES ('admin'), ('pi'), ('tech')",
        "INSERT INTO slice_roles (role) VALUES ('admin'), ('default')",
        "INSERT INTO network_templates (name, translation) VALUES ('inner', 'none'), ('nat', 'nat')",
    ] {
        world.sql(statement).await;
    }
}

/// All the rest.
pub(super) async fn populate(world: &World) {
    let [ana, dan] = KEYS;
    for statement in [
        format!(
            "INSERT INTO users (email, first_name, last_name, site_id, public_key, password)
             SELECT n.name || '@x.example', n.name, 'X', s.id, n.key, n.password FROM sites AS s,
             (SELECT 'ana' AS name, 'lab' AS base, '{ana}' AS key, 'first' AS password
              UNION ALL SELECT 'bob', 'lab', NULL, NULL UNION ALL SELECT 'cleo', 'lab', NULL, NULL
              UNION ALL SELECT 'dan', 'hub', '{dan}', 'second' UNION ALL SELECT 'eve', 'hub', NULL, NULL)
             AS n WHERE s.login_base = n.base"
        ),
        format!(
            "INSERT INTO slices (name, site_id, max_instances, description, default_flavor_id)
             SELECT s.login_base || '_' || n.name, s.id, 6, 'for ' || n.name, f.id FROM sites AS s,
             (SELECT 'web' AS name UNION ALL SELECT 'db' UNION ALL SELECT 'job') AS n, flavors AS f
             WHERE f.flavor = '{}-small'",
            world.name
        ),
        privilege("site", "ana", "lab", "pi"),
        privilege("site", "dan", "hub", "pi"),
        privilege("site", "eve", "hub", "tech"),
        privilege("slice", "ana", "lab_web", "admin"),
        privilege("slice", "bob", "lab_web", "default"),
        privilege("slice", "cleo", "lab_db", "default"),
        privilege("slice", "dan", "hub_web", "admin"),
        privilege("slice", "eve", "hub_web", "default"),
        "INSERT INTO networks (name, template_id, owner_id)
         SELECT s.name || '-net', t.id, s.id FROM slices AS s, network_templates AS t
         WHERE t.name = CASE WHEN s.name LIKE '%_web' THEN 'nat' ELSE 'inner' END"
            .to_owned(),
        joins("lab_db", "lab_web-net"),
        // The first of each slice is of somebody who has a key, the fifth is a large one.
        format!(
            "INSERT INTO instances (name, slice_id, image_id, deployment_id, node_id, flavor_id, creator_id)
             SELECT s.name || '-' || k.i, s.id, i.id, d.id, n.id,
                 CASE WHEN k.i = 5 THEN f.id END, CASE WHEN k.i = 1 THEN u.id END
             FROM slices AS s, deployments AS d, images AS i, nodes AS n, flavors AS f, users AS u,
                 (SELECT 1 AS i UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5) AS k
             WHERE i.name = '{name}-' || CASE WHEN s.name LIKE 'lab_%' THEN 'disk' ELSE 'other' END
                 AND n.name = 'compute' || (1 + k.i % 2) AND f.flavor = '{name}-large'
                 AND u.email = CASE WHEN s.name LIKE 'lab_%' THEN 'ana' ELSE 'dan' END || '@x.example'",
            name = world.name
        ),
    ] {
        world.sql(&statement).await;
    }
}

/// A statement that gives a user a role at a site or in a slice.
pub(super) fn privilege(kind: &str, user: &str, thing: &str, role: &str) -> String {
    let name = if kind == "site" { "login_base" } else { "name" };
    format!(
        "INSERT INTO {kind}_privileges (user_id, {kind}_id, role_id)
         SELECT u.id, t.id, r.id FROM users AS u, {kind}s AS t, {kind}_roles AS r
         WHERE u.email = '{user}@x.example' AND t.{name} = '{thing}' AND r.role = '{role}'"
    )
}

/// A statement that has a slice join a network.
pub(super) fn joins(slice: &str, network: &str) -> String {
    format!(
        "INSERT INTO network_slices (network_id, slice_id)
         SELECT n.id, s.id FROM networks AS n, slices AS s WHERE n.name = '{network}' AND s.name = '{slice}'"
    )
}
