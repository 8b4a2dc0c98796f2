//! Ports that people ask for.

use diesel::prelude::*;
use xos_sync_core::Id;
use xos_sync_core::error::BackendClass;
use xos_sync_core::models::{
    ControllerNetwork, Network, NetworkTemplate, NewNetwork, NewPort, Port, ports,
};
use xos_sync_core::status::{ObjectStatus, Status};
use xos_sync_openstack::client::{self, NetworkQuery, PortQuery};

use super::world::{World, outside};

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_a_person_is_made_plugged_in_and_removed() {
    let world = World::new("ports").await;
    let cloud = &world.loopback.cloud;
    let side = world.new_network("side", world.rows.inner);
    let side = world.network(NewNetwork { autoconnect: false, ..side }).await;
    let web = world.instance("web").await;
    let plug = NewPort { instance_id: Some(web), ..NewPort::new(side) };
    let plug = world.write(move |conn| plug.insert(conn)).await.id;
    let loose = world.write(move |conn| NewPort::new(side).insert(conn)).await.id;
    world.in_line().await;

    let server = world.get(web).await.into_object().instance_id.unwrap();
    let row = world.get(plug).await;
    let there = cloud.port(row.port_id.as_deref().unwrap()).await.unwrap();
    assert_eq!(there.device_id, server);
    let addresses = (there.fixed_ips[0].ip_address.clone(), Some(there.mac_address));
    assert_eq!((row.ip.clone(), row.mac.clone()), addresses);
    assert!(there.tags.contains(&format!("xos-uid={}", row.uid())));
    let row = world.get(loose).await;
    assert_eq!(cloud.port(row.port_id.as_deref().unwrap()).await.unwrap().device_id, "");
    let before = World::requests();
    world.checked().await;
    assert_eq!(World::requests().1, before.1, "a settled pass changes nothing");
    assert_eq!(world.all::<Port>().await.len(), 2, "no row was added for it");

    // A port that is deleted behind our back is made again.
    cloud.delete_port(row.port_id.as_deref().unwrap()).await.unwrap();
    world.checked().await;
    let again = world.get(loose).await.into_object().port_id.unwrap();
    assert_ne!(Some(&again), row.port_id.as_ref());
    cloud.port(&again).await.unwrap();

    world
        .write(move |conn| diesel::delete(ports::table.filter(ports::id.eq(plug))).execute(conn))
        .await;
    world.in_line().await;
    let query = PortQuery { device_id: Some(server), ..PortQuery::default() };
    assert_eq!(cloud.ports(&query).all().await.unwrap(), []);
    others_are_waited_for(&world, side).await;
    ranges_do_not_meet(&world).await;
    shared(&world).await;
    nothing_is_outside(&world).await;
    world.take_down().await;
    world.close().await;
}

/// A network stays while something of somebody else is connected with it, and says so.
async fn others_are_waited_for(world: &World, side: Id<Network>) {
    let cloud = &world.loopback.cloud;
    let network_id = world.known(side).await.into_object().net_id.unwrap();
    let theirs = client::NewPort { network_id, ..client::NewPort::default() };
    let theirs = cloud.create_port(&theirs).await.unwrap();
    world.sql(format!("DELETE FROM networks WHERE id = {}", side.raw())).await;
    let waits = |status: &Status| {
        let deferred = |it: &ObjectStatus| {
            it.model == "ControllerNetwork" && it.class == Some(BackendClass::Waiting)
        };
        status.objects.iter().any(deferred)
    };
    world.until("a reason for waiting", waits).await;
    let deleted = world.deleted::<ControllerNetwork>().await.remove(0);
    assert_eq!(deleted.network_id, side);
    let said = deleted.bookkeeping().backend_status.clone().unwrap();
    assert!(said.contains("until nothing is connected"), "{said}");
    cloud.network(&theirs.network_id).await.unwrap();
    cloud.delete_port(&theirs.id).await.unwrap();
    world.in_line().await;
    assert!(cloud.network(&theirs.network_id).await.unwrap_err().is_not_found());
}

/// Without an external network nothing leads out; the row says so, and heals once there is one.
async fn nothing_is_outside(world: &World) {
    world.close_outside().await;
    let out = world.new_network("out", world.rows.nat);
    let out = world.network(NewNetwork { autoconnect: false, ..out }).await;
    let said = world.failure("ControllerNetwork", "no external network").await;
    assert!(said.contains("make one there"), "{said}");
    outside(&world.loopback).await;
    world.checked().await;
    assert!(world.known(out).await.router_id.is_some());
}

/// A range that a network gets by itself is none that a person has given to another one.
async fn ranges_do_not_meet(world: &World) {
    let new = |name: &str, subnet: Option<&str>| NewNetwork {
        autoconnect: false,
        subnet: subnet.map(str::to_owned),
        ..world.new_network(name, world.rows.inner)
    };
    world.network(new("wide", Some("10.0.0.0/16"))).await;
    let narrow = world.network(new("narrow", None)).await;
    world.in_line().await;
    let range = world.known(narrow).await.into_object().subnet.unwrap();
    assert!(range.starts_with("10.1.") && range.ends_with(".0/24"), "{range}");

    // Neutron cannot change a range, and the row says so.
    let change =
        |range: &str| format!("UPDATE networks SET subnet = '{range}' WHERE id = {}", narrow.raw());
    world.sql(change("172.16.0.0/24")).await;
    let said = world.failure("ControllerNetwork", "cannot change them").await;
    assert!(said.contains("add another network"), "{said}");
    world.sql(change(&range)).await;
    world.in_line().await;
}

/// A shared network is recorded, and never touched.
async fn shared(world: &World) {
    let admin = &world.loopback.admin;
    let name = format!("shared-{}", world.loopback.name);
    let wanted = client::NewNetwork {
        name: name.clone(),
        shared: Some(true),
        ..client::NewNetwork::default()
    };
    let made = admin.create_network(&wanted).await.unwrap();
    world
        .sql(format!(
            "INSERT INTO network_templates (name, shared_network_name) VALUES ('shared', '{name}')"
        ))
        .await;
    let template = world.all::<NetworkTemplate>().await;
    let template = template.into_iter().find(|it| it.name == "shared").unwrap().id;
    let all = world.new_network("all", template);
    let all = world.network(NewNetwork { autoconnect: false, ..all }).await;
    world.in_line().await;
    assert_eq!(world.known(all).await.net_id.as_ref(), Some(&made.id));
    world.sql(format!("DELETE FROM networks WHERE id = {}", all.raw())).await;
    world.in_line().await;
    let query = NetworkQuery { name: Some(name), ..NetworkQuery::default() };
    assert_eq!(admin.networks(&query).all().await.unwrap(), std::slice::from_ref(&made));
    admin.delete_network(&made.id).await.unwrap();
}
