//! Nova: what changes of a server, and what goes wrong with it.

use std::collections::BTreeMap;

use xos_sync_openstack::client::{ErrorKind, ServerChange, ServerStatus};

use super::{delete, flavor, image, new_server, with_status};
use crate::support::{Loopback, eventually};

#[tokio::test]
async fn a_server_is_renamed_resized_rebuilt_stopped_and_started() {
    let world = Loopback::new("changes").await;
    let cloud = &world.cloud;
    let (old, new) = (image(cloud, "old").await, image(cloud, "new").await);
    let (small, large) = (flavor(&world, "small").await, flavor(&world, "large").await);
    let id = cloud.create_server(&new_server("web", &old, &small)).await.unwrap();
    with_status(cloud, &id, &ServerStatus::Active).await;

    let change = ServerChange { name: Some("other".to_owned()), description: Some("d".to_owned()) };
    assert_eq!(cloud.update_server(&id, &change).await.unwrap().name, "other");
    let metadata = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    cloud.set_server_metadata(&id, &metadata).await.unwrap();
    cloud.set_server_tags(&id, &["t"]).await.unwrap();
    let server = cloud.server(&id).await.unwrap();
    assert_eq!((&server.metadata, server.tags), (&metadata, vec!["t".to_owned()]));

    let too_early = cloud.confirm_resize(&id).await.unwrap_err();
    assert_eq!(too_early.kind(), ErrorKind::Conflict, "{too_early}");
    let same = cloud.resize_server(&id, &small.id).await.unwrap_err();
    assert_eq!(same.kind(), ErrorKind::Invalid, "{same}");
    cloud.resize_server(&id, &large.id).await.unwrap();
    with_status(cloud, &id, &ServerStatus::VerifyResize).await;
    cloud.confirm_resize(&id).await.unwrap();
    let server = with_status(cloud, &id, &ServerStatus::Active).await;
    assert_eq!(server.flavor_name(), large.name);
    cloud.resize_server(&id, &small.id).await.unwrap();
    with_status(cloud, &id, &ServerStatus::VerifyResize).await;
    cloud.revert_resize(&id).await.unwrap();
    let server = with_status(cloud, &id, &ServerStatus::Active).await;
    assert_eq!(server.flavor_name(), large.name);

    cloud.rebuild_server(&id, &new.id).await.unwrap();
    let server = with_status(cloud, &id, &ServerStatus::Active).await;
    assert_eq!(server.image_id(), Some(new.id.as_str()));
    cloud.stop_server(&id).await.unwrap();
    with_status(cloud, &id, &ServerStatus::Shutoff).await;
    cloud.start_server(&id).await.unwrap();
    with_status(cloud, &id, &ServerStatus::Active).await;

    delete(cloud, &id).await;
    for image in [old, new] {
        cloud.delete_image(&image.id).await.unwrap();
    }
    for flavor in [small, large] {
        world.admin.delete_flavor(&flavor.id).await.unwrap();
    }
    world.close().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_made_says_why() {
    let world = Loopback::new("fault").await;
    let cloud = &world.cloud;
    let (image, flavor) = (image(cloud, "i").await, flavor(&world, "f").await);
    let id = cloud.create_server(&new_server("loopback-fail", &image, &flavor)).await.unwrap();
    let server = eventually("an error", async || {
        let server = cloud.server(&id).await?;
        Ok((server.status == ServerStatus::Error).then_some(server))
    })
    .await;
    assert!(server.fault().is_some_and(|fault| !fault.is_empty()), "{server:?}");
    delete(cloud, &id).await;

    let mut nowhere = new_server("web", &image, &flavor);
    nowhere.image_id = "00000000-0000-0000-0000-000000000000".to_owned();
    let error = cloud.create_server(&nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    cloud.delete_image(&image.id).await.unwrap();
    world.admin.delete_flavor(&flavor.id).await.unwrap();
    world.close().await;
}
