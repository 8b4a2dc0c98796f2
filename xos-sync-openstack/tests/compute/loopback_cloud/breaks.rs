//! What goes wrong: servers that cannot be made, lost answers, and what is there too many.

use std::collections::BTreeMap;

use xos_sync_core::Row;
use xos_sync_core::models::Instance;
use xos_sync_core::status::Status;
use xos_sync_openstack::ImageChange;
use xos_sync_openstack::client::{NewServer, ServerQuery};

use super::world::World;
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_cleaned_up_and_lost_answers_adopted() {
    let world = World::new("breaks").await;
    let failing = world.instance("loopback-fail").await;
    let said = world.failure("Instance", "could not be made").await;
    assert!(said.contains("another one is made later"), "{said}");
    let row = world.get(failing).await;
    assert!(row.bookkeeping().attempts > 0 && row.instance_id.is_none(), "{row:?}");
    eventually("the end of the server", async || {
        let servers = world.servers().await;
        let goes = servers.values().all(|it| it.task_state.as_deref() == Some("deleting"));
        Ok(goes.then_some(()))
    })
    .await;

    // A changed goal heals it. Meanwhile the answers to two requests for another one were lost.
    world.sql(format!("UPDATE instances SET name = 'good' WHERE id = {}", failing.raw())).await;
    let new = world.new_instance("lost").await;
    let mut row = world.write(move |conn| new.insert(conn)).await;
    row.name = "an older name".to_owned();
    let first = by_hand(&world, &row).await;
    let second = by_hand(&world, &row).await;
    world.in_line().await;
    let servers = world.servers().await;
    assert_eq!(servers.keys().collect::<Vec<_>>(), ["good", "lost"]);
    let lost = &servers["lost"];
    assert!(lost.id == first || lost.id == second, "adopted, and named anew");
    assert_eq!(world.get(row.id).await.instance_id.as_ref(), Some(&lost.id));
    eventually("the end of the second one", async || {
        let all = world.loopback.cloud.servers(&ServerQuery::default()).all().await?;
        let stay = all.iter().filter(|it| it.task_state.as_deref() != Some("deleting")).count();
        Ok((stay == 2).then_some(()))
    })
    .await;

    rebuilt(&world, &row, &lost.id).await;
    world.take_down().await;
    world.close().await;
}

/// Where it is asked for, another image is a rebuild, which keeps the server.
async fn rebuilt(world: &World, row: &Row<Instance>, server: &str) {
    world.sql("INSERT INTO images (name) VALUES ('two')").await;
    let other = &world.other_image;
    for statement in [
        format!(
            "UPDATE controller_images SET glance_image_id = '{other}' WHERE glance_image_id IS NULL"
        ),
        format!(
            "UPDATE instances SET image_id = (SELECT id FROM images WHERE name = 'two') WHERE id = {}",
            row.id.raw()
        ),
    ] {
        world.sql(statement).await;
    }
    world.run(false, ImageChange::Rebuild, "the rebuild", Status::is_settled).await;
    let there = world.loopback.cloud.server(server).await.unwrap();
    assert_eq!(there.image_id(), Some(other.as_str()));
    assert_eq!(world.get(row.id).await.backend_image.as_ref(), Some(other));
    let image = world.get(world.get(row.id).await.image_id).await;
    assert_eq!(there.metadata["xos-image"], image.uid());
}

/// A server with the marks of a row, as a request leaves it whose answer was lost.
async fn by_hand(world: &World, row: &Row<Instance>) -> String {
    let cloud = &world.loopback.cloud;
    let flavors = cloud.flavors().all().await.unwrap();
    let flavor = flavors.into_iter().find(|flavor| flavor.name == world.small).unwrap();
    let wanted = NewServer {
        name: row.name.clone(),
        image_id: world.image.clone(),
        flavor_id: flavor.id,
        tags: vec![format!("xos-uid={}", row.uid()), "xos-synchronizer=openstack".to_owned()],
        metadata: BTreeMap::from([("xos-uid".to_owned(), row.uid().to_owned())]),
        ..NewServer::default()
    };
    cloud.create_server(&wanted).await.unwrap()
}
