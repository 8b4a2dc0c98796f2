//! From nothing to servers that run, changes of the goal and of the cloud, and back.

use std::collections::{BTreeMap, BTreeSet};

use xos_sync_core::models::{Flavor, Instance, Network, NewInstance, NewNetwork, Node, Port};
use xos_sync_core::{Id, Row};
use xos_sync_openstack::client::{
    NetworkChange, PortQuery, Server, ServerQuery, ServerStatus, SubnetQuery,
};

use super::world::World;
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_is_brought_up_kept_in_line_and_taken_down() {
    let world = World::new("bring-up").await;
    let nodes: BTreeSet<_> =
        world.all::<Node>().await.into_iter().map(|it| it.name.clone()).collect();
    assert!(nodes.is_superset(&BTreeSet::from(["compute1".to_owned(), "compute2".to_owned()])));
    let large = world.get::<Flavor>(world.flavor(&world.large).await).await;
    assert_eq!(large.description.as_deref(), Some("1 vCPU, 128 MB, 1 GB"));

    let web = world.network(world.new_network("web", world.rows.nat)).await;
    let inner = world.new_network("inner", world.rows.inner);
    let inner = NewNetwork { subnet: Some("192.168.7.0/24".to_owned()), ..inner };
    let inner = world.network(inner).await;
    let spare = world.new_network("spare", world.rows.inner);
    let spare = world.network(NewNetwork { autoconnect: false, ..spare }).await;
    let web_1 = world.new_instance("web-1").await;
    let (alice, compute2) = (world.rows.alice, world.node("compute2").await);
    let web_1 = NewInstance {
        creator_id: Some(alice),
        node_id: compute2,
        user_data: Some("#cloud-config\n".to_owned()),
        ..web_1
    };
    let web_1 = world.write(move |conn| web_1.insert(conn)).await.id;
    let (web_2, db_1) = (world.instance("web-2").await, world.instance("db-1").await);
    world.in_line().await;

    let servers = world.servers().await;
    assert_eq!(servers.len(), 3, "{servers:#?}");
    for (id, host, key) in
        [(web_1, "compute2", true), (web_2, "compute1", false), (db_1, "compute1", false)]
    {
        let row = world.get(id).await;
        let there = &servers[&row.name];
        is_recorded(&row, there);
        assert_eq!(there.flavor_name(), world.small);
        assert_eq!((there.host.as_deref(), there.key_name.is_some()), (Some(host), key));
        assert_eq!(there.image_id(), Some(world.image.as_str()));
        assert_eq!(there.metadata["xos-slice"], "lab_web");
        assert!(there.address("web").is_some() && there.address("inner").is_some());
        assert_eq!(row.ip.as_deref(), there.address("web"), "the first network's");
    }
    is_plumbed(&world, web, inner).await;

    // Their ports become rows.
    world.checked().await;
    let ports = world.all::<Port>().await;
    assert_eq!(ports.len(), 6, "{ports:?}");
    assert!(ports.iter().all(|it| it.ip.is_some() && it.mac.is_some() && it.port_id.is_some()));
    let before = World::requests();
    world.checked().await;
    let after = World::requests();
    assert_eq!(after.1, before.1, "a settled pass changes nothing");
    let reads = after.0 - before.0;
    println!("a settled pass: {reads} reading requests, 0 changing ones");
    assert!((8..=20).contains(&reads), "{reads}");

    let third = changes(&world, web_1, db_1).await;
    drift(&world, web_1, web_2, web, spare).await;
    a_network_less(&world, third).await;

    world.take_down().await;
    world.close().await;
}

fn is_recorded(row: &Row<Instance>, there: &Server) {
    assert_eq!(there.status, ServerStatus::Active);
    assert_eq!(row.instance_id.as_ref(), Some(&there.id));
    assert_eq!(
        (&row.instance_uuid, &row.instance_name),
        (&row.instance_id, &Some(row.name.clone()))
    );
    assert_eq!(row.backend_flavor.as_deref(), Some(there.flavor_name()));
    assert_eq!(row.backend_image.as_deref(), there.image_id());
    assert!(there.tags.contains(&format!("xos-uid={}", row.uid())), "{there:?}");
    assert!(there.tags.contains(&"xos-synchronizer=openstack".to_owned()));
    assert_eq!(there.metadata["xos-uid"], row.uid());
}

async fn is_plumbed(world: &World, web: Id<Network>, inner: Id<Network>) {
    let admin = &world.loopback.admin;
    let (web, inner) = (world.known(web).await, world.known(inner).await);
    let range = format!("10.{}.{}.0/24", web.id.raw() / 256, web.id.raw() % 256);
    for (row, range, tagged) in [(&web, range.as_str(), true), (&inner, "192.168.7.0/24", false)] {
        assert_eq!(row.subnet.as_deref(), Some(range));
        let network = admin.network(row.net_id.as_deref().unwrap()).await.unwrap();
        assert_eq!(network.project_id, world.loopback.project.id);
        assert!(network.tags.contains(&format!("xos-uid={}", row.uid())), "{network:?}");
        let query = SubnetQuery { network_id: row.net_id.clone(), ..SubnetQuery::default() };
        let subnets = admin.subnets(&query).all().await.unwrap();
        assert_eq!(subnets.len(), 1);
        assert_eq!(
            (&subnets[0].cidr, Some(&subnets[0].id)),
            (&range.to_owned(), row.subnet_id.as_ref())
        );
        assert_eq!(row.router_id.is_some(), tagged);
    }
    let router = admin.router(web.router_id.as_deref().unwrap()).await.unwrap();
    assert!(router.external_network_id().is_some());
    assert!(is_routed(world, &router.id, web.net_id.as_deref().unwrap()).await);
}

async fn is_routed(world: &World, router: &str, network: &str) -> bool {
    let query = PortQuery {
        device_id: Some(router.to_owned()),
        network_id: Some(network.to_owned()),
        ..PortQuery::default()
    };
    !world.loopback.admin.ports(&query).all().await.unwrap().is_empty()
}

async fn changes(world: &World, web_1: Id<Instance>, db_1: Id<Instance>) -> Id<Network> {
    let ids: BTreeMap<_, _> =
        world.servers().await.into_iter().map(|(name, server)| (name, server.id)).collect();
    let large = world.flavor(&world.large).await;
    world.sql(format!("UPDATE instances SET name = 'front' WHERE id = {}", web_1.raw())).await;
    world
        .sql(format!("UPDATE instances SET flavor_id = {} WHERE id = {}", large.raw(), db_1.raw()))
        .await;
    let third = world.network(world.new_network("third", world.rows.inner)).await;
    world.in_line().await;
    world.checked().await;

    let servers = world.servers().await;
    assert_eq!(servers.len(), 3);
    assert_eq!((&servers["front"].id, &servers["db-1"].id), (&ids["web-1"], &ids["db-1"]));
    assert_eq!(servers["db-1"].flavor_name(), world.large);
    for server in servers.values() {
        is_recorded_by_name(world, server).await;
    }
    on_network(world, "third", 3).await;
    // An image cannot change, and says so.
    let other = world.other_image.clone();
    world.sql("INSERT INTO images (name) VALUES ('two')").await;
    world
        .sql(format!(
            "UPDATE controller_images SET glance_image_id = '{other}' WHERE glance_image_id IS NULL"
        ))
        .await;
    let change = |name: &str| {
        format!(
            "UPDATE instances SET image_id = (SELECT id FROM images WHERE name = '{name}') WHERE id = {}",
            db_1.raw()
        )
    };
    world.sql(change("two")).await;
    let said = world.failure("Instance", "another image than two").await;
    assert!(said.contains("XOS_OPENSTACK_IMAGE_CHANGE=rebuild"), "{said}");
    world.sql(change("one")).await;
    world.in_line().await;
    assert_eq!(world.servers().await["db-1"].image_id(), Some(world.image.as_str()));
    third
}

/// Waits until so many servers have an address on this network: Nova learns of it from Neutron a
/// moment after the port has come or gone.
async fn on_network(world: &World, network: &str, servers: usize) {
    eventually(&format!("{servers} servers on {network}"), async || {
        let all = world.servers().await;
        let on_it = all.values().filter(|server| server.address(network).is_some()).count();
        Ok((on_it == servers).then_some(()))
    })
    .await;
}

async fn is_recorded_by_name(world: &World, server: &Server) {
    let rows = world.all::<Instance>().await;
    is_recorded(rows.iter().find(|row| row.name == server.name).unwrap(), server);
}

async fn drift(
    world: &World,
    web_1: Id<Instance>,
    web_2: Id<Instance>,
    web: Id<Network>,
    spare: Id<Network>,
) {
    let cloud = &world.loopback.cloud;
    let (front, lost) = (world.get(web_1).await, world.get(web_2).await);
    let (web, spare) = (world.known(web).await, world.known(spare).await);
    let (front, lost) = (front.instance_id.clone().unwrap(), lost.instance_id.clone().unwrap());
    let (net, subnet) = (web.net_id.clone().unwrap(), web.subnet_id.clone().unwrap());
    let router = web.router_id.clone().unwrap();
    cloud.stop_server(&front).await.unwrap();
    cloud.delete_server(&lost).await.unwrap();
    cloud.remove_interface(&router, &subnet).await.unwrap();
    let renamed = NetworkChange { name: Some("mine".to_owned()), ..NetworkChange::default() };
    cloud.update_network(spare.net_id.as_deref().unwrap(), &renamed).await.unwrap();
    cloud.delete_subnet(spare.subnet_id.as_deref().unwrap()).await.unwrap();
    eventually("the end of a server", async || {
        let servers = cloud.servers(&ServerQuery::default()).all().await?;
        let off = servers.iter().any(|it| it.id == front && it.status == ServerStatus::Shutoff);
        Ok((off && !servers.iter().any(|it| it.id == lost)).then_some(()))
    })
    .await;
    world.checked().await;

    let servers = world.servers().await;
    assert_eq!(servers.len(), 3);
    for server in servers.values() {
        is_recorded_by_name(world, server).await;
    }
    assert_eq!(servers["front"].id, front, "started again");
    assert_ne!(servers["web-2"].id, lost, "made again");
    assert!(is_routed(world, &router, &net).await);
    let again = world.get(spare.id).await;
    assert_eq!((&again.net_id, &again.subnet), (&spare.net_id, &spare.subnet), "kept for life");
    let there = cloud.network(again.net_id.as_deref().unwrap()).await.unwrap();
    assert_eq!(
        (there.name.as_str(), there.subnets),
        ("spare", vec![again.subnet_id.clone().unwrap()])
    );
    // The ports of the new server are told.
    world.checked().await;
    let ports = world.all::<Port>().await;
    assert_eq!(ports.len(), 9);
    for port in ports {
        let there = cloud.port(port.port_id.as_deref().unwrap()).await.unwrap();
        assert_eq!(port.ip, there.fixed_ips[0].ip_address);
        let instance = world.get(port.instance_id.unwrap()).await;
        assert_eq!(instance.instance_id, Some(there.device_id));
    }
}

/// A way out comes and goes with the template; a network leaves the servers that run before it goes.
async fn a_network_less(world: &World, third: Id<Network>) {
    let (inner, nat) = (world.rows.inner, world.rows.nat);
    for (template, routers) in [(nat, 2), (inner, 1)] {
        let (template, third) = (template.raw(), third.raw());
        let change = format!("UPDATE networks SET template_id = {template} WHERE id = {third}");
        world.sql(change).await;
        world.in_line().await;
        assert_eq!(world.plumbing().await.1, routers);
    }
    world.sql(format!("DELETE FROM networks WHERE id = {}", third.raw())).await;
    world.checked().await;
    assert_eq!(world.plumbing().await.0, 3);
    on_network(world, "third", 0).await;
    for server in world.servers().await.values() {
        is_recorded_by_name(world, server).await;
    }
    assert_eq!(world.all::<Port>().await.len(), 6);
}
