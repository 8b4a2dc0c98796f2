//! One slice on two clouds.

use std::collections::BTreeMap;

use xos_sync_openstack::client::{
    NetworkQuery, PortQuery, Server, ServerQuery, ServerStatus, SubnetQuery,
};

use super::goal::Offer;
use crate::loopback::eventually;
use crate::proxy::changes;
use crate::world::{Side, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_has_its_network_on_both_clouds_and_instances_where_their_nodes_are() {
    let world = World::new("both", 2).await;
    let offer = Offer::new(&world).await;
    let (one, two) = (&world.sides[0], &world.sides[1]);
    for statement in [
        "INSERT INTO sites (name, login_base) VALUES ('The Lab', 'lab')",
        "INSERT INTO site_deployments (site_id, deployment_id, controller_id)
             SELECT s.id, c.deployment_id, c.id FROM sites AS s, controllers AS c",
        "INSERT INTO network_templates (name) VALUES ('inner')",
    ] {
        world.sql(statement).await;
    }
    let image = format!("{}.raw", world.name);
    world.file(&image, "a disk");
    world.in_line().await;
    // Of hosts of the same name, the second cloud's are known by the controller's name.
    let nodes = world.words("SELECT name AS word FROM nodes ORDER BY id").await;
    let second = ["compute1", "compute2"].map(|host| format!("{host}@{}", two.controller));
    let expected = ["compute1", "compute2"].map(str::to_owned).into_iter().chain(second);
    assert_eq!(nodes, expected.map(Some).collect::<Vec<_>>());

    for statement in [
        format!(
            "INSERT INTO slices (name, site_id, default_flavor_id)
             SELECT 'lab_web', s.id, f.id FROM sites AS s, flavors AS f WHERE f.flavor = '{}'",
            offer.small.name
        ),
        "INSERT INTO networks (name, template_id, owner_id)
         SELECT 'net', t.id, s.id FROM slices AS s, network_templates AS t"
            .to_owned(),
        "INSERT INTO instances (name, slice_id, image_id, deployment_id, node_id)
         SELECT 'on-' || n.name, s.id, i.id, d.id, n.id
         FROM slices AS s, images AS i, deployments AS d, nodes AS n"
            .to_owned(),
    ] {
        world.sql(&statement).await;
    }
    world.in_line().await;
    world.checked().await;
    assert_eq!(servers(one).await, ["on-compute1 on compute1", "on-compute2 on compute2"]);
    let expected = ["compute1", "compute2"].map(|it| format!("on-{it}@{} on {it}", two.controller));
    assert_eq!(servers(two).await, expected);
    // The networks of the two are apart, and so are their ranges.
    let ranges = [network(one).await, network(two).await];
    assert_ne!(ranges[0], ranges[1]);
    for (side, range) in world.sides.iter().zip(&ranges) {
        let known = format!(
            "SELECT k.subnet AS word FROM controller_networks AS k JOIN controllers AS c ON c.id = k.controller_id
             WHERE c.name = '{}'",
            side.controller
        );
        assert_eq!(world.word(&known).await, *range);
    }
    let ports = world.words("SELECT ip AS word FROM ports ORDER BY id").await;
    let begins = |range: &str| range.trim_end_matches("0/24").to_owned();
    for range in &ranges {
        let in_it = |ip: &&Option<String>| ip.as_ref().unwrap().starts_with(&begins(range));
        assert_eq!(ports.iter().filter(in_it).count(), 2, "{ports:?}");
    }
    world.take();
    world.checked().await;
    assert_eq!(changes(&world.take()), [""; 0], "a second look only reads");

    // What leaves one cloud stays on the other.
    world.sql(&format!("DELETE FROM instances WHERE name LIKE '%@{}'", two.controller)).await;
    world
        .sql(&format!(
            "DELETE FROM site_deployments WHERE controller_id = (SELECT id FROM controllers WHERE name = '{}')",
            two.controller
        ))
        .await;
    world.in_line().await;
    assert_eq!(two.projects().await, []);
    assert_eq!(servers(one).await.len(), 2);
    assert_eq!(network(one).await, ranges[0]);

    std::fs::remove_file(world.file(&image, "")).unwrap();
    for table in ["slices", "sites", "images"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
    world.in_line().await;
    assert_eq!(one.projects().await, []);
    assert_eq!((one.images().await, two.images().await), (Vec::new(), Vec::new()));
    offer.close(&world).await;
    world.close().await;
}

/// The servers of the slice's project, with their hosts. All run, and have an address.
async fn servers(side: &Side) -> Vec<String> {
    let query = ServerQuery {
        all_projects: Some(true),
        project_id: Some(side.project("lab_web").await.id),
        ..ServerQuery::default()
    };
    // Nova learns of addresses from Neutron a moment later.
    let servers = eventually("an address of each server", async || {
        let servers = side.admin.servers(&query).all().await?;
        Ok(servers.iter().all(|it| it.address("net").is_some()).then_some(servers))
    })
    .await;
    let servers: BTreeMap<_, Server> =
        servers.into_iter().map(|it| (it.name.clone(), it)).collect();
    let line = |server: &Server| {
        assert_eq!(server.status, ServerStatus::Active);
        format!("{} on {}", server.name, server.host.as_deref().unwrap())
    };
    servers.values().map(line).collect()
}

/// The range of the only network of the slice's project, on which its servers' ports are, and no others.
async fn network(side: &Side) -> String {
    let project_id = Some(side.project("lab_web").await.id);
    let query = NetworkQuery { project_id: project_id.clone(), ..NetworkQuery::default() };
    let networks = side.admin.networks(&query).all().await.unwrap();
    assert_eq!(networks.len(), 1, "{networks:?}");
    let network_id = Some(networks[0].id.clone());
    let query = PortQuery { network_id: network_id.clone(), ..PortQuery::default() };
    assert_eq!(side.admin.ports(&query).all().await.unwrap().len(), 2);
    let query = SubnetQuery { network_id, ..SubnetQuery::default() };
    side.admin.subnets(&query).all().await.unwrap()[0].cidr.clone()
}
