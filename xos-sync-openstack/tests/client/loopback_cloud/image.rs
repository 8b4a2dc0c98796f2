//! Glance.

use std::collections::BTreeMap;
use std::io::Write;

use xos_sync_openstack::client::{ErrorKind, ImageQuery, NewImage};

use crate::support::Loopback;

#[tokio::test]
async fn an_image_is_streamed_checked_found_and_replaced() {
    let world = Loopback::new("image").await;
    let cloud = &world.cloud;
    let wanted = NewImage {
        name: "Größe".to_owned(),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        visibility: Some("private".to_owned()),
        tags: vec![world.name.clone()],
        properties: BTreeMap::from([("xos_uid".to_owned(), world.name.clone())]),
        ..NewImage::default()
    };
    let made = cloud.create_image(&wanted).await.unwrap();
    assert_eq!((made.status.as_str(), made.size, made.is_active()), ("queued", None, false));
    assert_eq!(made.owner.as_ref(), Some(&world.project.id));

    // More than is read at once.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let block: Vec<u8> = (0..=255).collect();
    for _ in 0..8 * 1024 {
        file.write_all(&block).unwrap();
    }
    let sent = cloud.upload_image(&made.id, file.path()).await.unwrap();
    let image = cloud.image(&made.id).await.unwrap();
    assert!(image.is_active());
    assert_eq!((sent.size, image.size), (2 << 20, Some(2 << 20)));
    assert_eq!(image.os_hash_value, Some(sent.sha512));
    assert_eq!(image.properties["xos_uid"], world.name.as_str());

    let again = cloud.upload_image(&made.id, file.path()).await.unwrap_err();
    assert_eq!((again.kind(), again.outcome_unknown()), (ErrorKind::Conflict, false), "{again}");

    let by_tag = ImageQuery { tag: Some(world.name.clone()), ..ImageQuery::default() };
    let by_name = ImageQuery {
        name: Some("Größe".to_owned()),
        owner: Some(world.project.id.clone()),
        ..ImageQuery::default()
    };
    let by_property = ImageQuery { properties: wanted.properties.clone(), ..ImageQuery::default() };
    for query in [by_tag.clone(), by_name, by_property] {
        let found = cloud.images(&query).all().await.unwrap();
        assert_eq!(
            found.iter().map(|found| &found.id).collect::<Vec<_>>(),
            [&made.id],
            "{query:?}"
        );
    }
    let queued = ImageQuery { status: Some("queued".to_owned()), ..by_tag.clone() };
    assert_eq!(cloud.images(&queued).all().await.unwrap(), []);

    cloud.delete_image(&made.id).await.unwrap();
    assert!(cloud.image(&made.id).await.unwrap_err().is_not_found());
    assert_eq!(cloud.images(&by_tag).all().await.unwrap(), []);
    let second = cloud.create_image(&wanted).await.unwrap();
    assert_ne!(second.id, made.id);
    cloud.delete_image(&second.id).await.unwrap();
    world.close().await;
}
