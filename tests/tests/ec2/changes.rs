//! A goal that changes while the instance runs.

use diesel::prelude::*;
use xos_sync_core::models::{Image, images, instances};

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn another_type_stops_changes_and_starts_the_same_instance() {
    let world = World::discovered("eu-west-1").await;
    let web = world.instance("web-1").await;
    world.in_line().await;
    let before = world.get(web.id).await;

    let small = world.node("t3.small").await.id;
    world
        .write(move |conn| {
            diesel::update(instances::table).set(instances::node_id.eq(small)).execute(conn)
        })
        .await;
    world.in_line().await;
    let (after, witness) = (world.get(web.id).await, world.witness());
    assert_eq!(after.instance_id, before.instance_id);
    assert_eq!(after.backend_flavor.as_deref(), Some("t3.small"));
    assert_eq!(
        (witness.only()["type"].as_str(), witness.only()["state"].as_str()),
        (Some("t3.small"), Some("running"))
    );
    assert_eq!(
        after.ip.as_deref(),
        witness.only()["ip"].as_str(),
        "the address has changed with the restart"
    );

    // A flavor goes before the node; one that does not exist costs the instance nothing.
    let stops = world.proxy.calls("StopInstances");
    world.sql("INSERT INTO flavors (name, flavor) VALUES ('huge', 't3.huge')").await;
    world.sql("UPDATE instances SET flavor_id = (SELECT id FROM flavors)").await;
    let said = world.failure("Instance").await;
    assert!(said.contains("does not offer the instance type t3.huge in zone eu-west-1a"), "{said}");
    assert_eq!(world.proxy.calls("StopInstances"), stops);
    assert_eq!(world.witness().only()["state"], "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_is_another_tag() {
    let world = World::discovered("eu-west-2").await;
    let web = world.instance("web-1").await;
    world.in_line().await;
    let changes = world.proxy.changes();
    world.sql("UPDATE instances SET name = 'front-1'").await;
    world.in_line().await;
    let witness = world.witness();
    assert_eq!(witness.only()["tags"]["Name"], "front-1");
    assert_eq!(witness.only()["tags"]["xos:uid"], web.uid());
    assert_eq!(world.proxy.changes() - changes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_image_or_zone_is_refused_with_advice() {
    let world = World::discovered("eu-west-3").await;
    let web = world.instance("web-1").await;
    world.in_line().await;
    let (first, changes) = (world.image().await.id, world.proxy.changes());
    let change = move |conn: &mut _| {
        let other: Image =
            images::table.filter(images::id.ne(first)).select(Image::as_select()).first(conn)?;
        diesel::update(instances::table).set(instances::image_id.eq(other.id)).execute(conn)
    };
    world.write(change).await;
    let said = world.failure("Instance").await;
    assert!(
        said.contains("EC2 cannot change it to ami-") && said.contains("undo the change"),
        "{said}"
    );

    world
        .write(move |conn| {
            diesel::update(instances::table).set(instances::image_id.eq(first)).execute(conn)
        })
        .await;
    world.sql("UPDATE instances SET node_id = (SELECT id FROM nodes WHERE name = 't3.micro.eu-west-3b')").await;
    world
        .failure_with("Instance", "is in zone eu-west-3a, and EC2 cannot move it to eu-west-3b")
        .await;

    // Undone, it is in line again, and nothing has happened to it.
    let node = web.node_id;
    world
        .write(move |conn| {
            diesel::update(instances::table).set(instances::node_id.eq(node)).execute(conn)
        })
        .await;
    world.in_line().await;
    assert_eq!(world.proxy.changes(), changes);
}
