//! The folder of images, and what Glance has of it.

use xos_sync_core::status::State;
use xos_sync_openstack::client::NewImage;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn files_become_images_and_are_followed() {
    let world = World::new("files", 1).await;
    let side = world.side();
    let (stem, other) = (world.name.clone(), format!("{}-b", world.name));
    world.file(&format!("{stem}.raw"), "a disk");
    world.file(&format!("{stem}.img"), "another");
    world.file("notes.txt", "no image");
    // Somebody is still copying this one.
    std::fs::write(world.file(&format!("{other}.raw"), "").as_path(), "ha").unwrap();
    world.in_line().await;
    let listed = "SELECT name || ' ' || disk_format || ' ' || container_format AS word FROM images
                  ORDER BY name";
    let expected = [format!("{stem} raw bare"), format!("{stem}.raw raw bare")].map(Some);
    assert_eq!(world.words(listed).await, expected);
    assert_eq!(side.images().await.len(), 2);

    // A file that changes is taken over when the row says so: the new one is made first.
    let of_raw = format!(
        "SELECT glance_image_id AS word FROM controller_images AS c JOIN images AS i ON i.id = c.image_id
         WHERE i.name = '{stem}.raw'"
    );
    let old = world.word(&of_raw).await;
    world.file(&format!("{stem}.raw"), "another disk");
    world.checked().await;
    assert_eq!(world.word(&of_raw).await, old);
    world.take();
    world.sql(&format!("UPDATE images SET tag = '2' WHERE name = '{stem}.raw'")).await;
    world.in_line().await;
    let new = world.word(&of_raw).await;
    assert_ne!(new, old);
    let mut calls = world.take();
    calls.retain(|call| !call.starts_with("GET "));
    let expected = [
        "POST /v2/images".to_owned(),
        format!("PUT /v2/images/{new}/file"),
        format!("DELETE /v2/images/{old}"),
    ];
    assert_eq!(calls, expected);
    assert_eq!(side.images().await.len(), 2);
    assert_eq!(side.admin.image(&new).await.unwrap().size, Some(12));

    // The same file needs no other copy.
    world.sql(&format!("UPDATE images SET tag = '3' WHERE name = '{stem}.raw'")).await;
    world.in_line().await;
    assert_eq!(world.word(&of_raw).await, new);

    // A file that goes is said, and one that comes back is taken.
    std::fs::remove_file(world.file(&format!("{stem}.raw"), "")).unwrap();
    world.sql(&format!("UPDATE images SET tag = '4' WHERE name = '{stem}.raw'")).await;
    let said = world.says("Image", State::Failed, &format!("{stem}.raw")).await;
    assert!(said.contains("`path`"), "{said}");
    assert_eq!(side.images().await.len(), 2);
    world.file(&format!("{stem}.raw"), "another disk");
    world.checked().await;
    assert_eq!(world.word(&of_raw).await, new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_image_is_only_read() {
    let world = World::new("public", 1).await;
    let (side, admin) = (world.side(), &world.side().admin);
    world.sql(&format!("INSERT INTO images (name) VALUES ('{}')", world.name)).await;
    world.sql("INSERT INTO images (name, path) VALUES ('ubuntu', 'ami-1')").await;
    let said = world.says("ControllerImage", State::Failed, "no public image").await;
    assert!(said.contains("`path`"), "{said}");

    let new = NewImage {
        name: world.name.clone(),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        visibility: Some("public".to_owned()),
        ..NewImage::default()
    };
    let public = admin.create_image(&new).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a disk").unwrap();
    admin.upload_image(&public.id, file.path()).await.unwrap();
    world.in_line().await;
    let recorded = "SELECT glance_image_id AS word FROM controller_images ORDER BY image_id";
    assert_eq!(world.words(recorded).await, [Some(public.id.clone()), None]);
    world.take();
    world.checked().await;

    // With a path it is a copy of our own, and without it the public one again.
    let path = world.file(&format!("{}.raw", world.name), "our disk");
    world
        .sql(&format!(
            "UPDATE images SET path = '{}', disk_format = 'raw' WHERE name = '{}'",
            path.display(),
            world.name
        ))
        .await;
    world.in_line().await;
    assert_eq!(side.images().await.len(), 1);
    world.sql(&format!("UPDATE images SET path = NULL WHERE name = '{}'", world.name)).await;
    std::fs::remove_file(path).unwrap();
    world.in_line().await;
    assert_eq!(side.images().await, []);
    assert_eq!(world.words(recorded).await[0].as_ref(), Some(&public.id));

    world.sql("DELETE FROM images").await;
    world.in_line().await;
    assert!(admin.image(&public.id).await.unwrap().is_active());
    admin.delete_image(&public.id).await.unwrap();
}
