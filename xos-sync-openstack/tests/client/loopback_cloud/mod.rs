//! Each resource on the loopback cloud.

mod compute;
mod identity;
mod image;
mod network;
mod server_changes;

use xos_sync_openstack::client::{
    Cloud, CloudError, Flavor, Image, NewFlavor, NewImage, NewServer, Server, ServerStatus,
};

use crate::support::{Loopback, eventually};

/// An image with data, of which servers can be made.
async fn image(cloud: &Cloud, name: &str) -> Image {
    let wanted = NewImage {
        name: name.to_owned(),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        ..NewImage::default()
    };
    let made = cloud.create_image(&wanted).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), name).unwrap();
    cloud.upload_image(&made.id, file.path()).await.unwrap();
    cloud.image(&made.id).await.unwrap()
}

/// A flavor that nobody else has.
async fn flavor(world: &Loopback, suffix: &str) -> Flavor {
    let name = format!("{}-{suffix}", world.name);
    let wanted = NewFlavor { name, vcpus: 1, ram: 64, disk: 1, ..NewFlavor::default() };
    world.admin.create_flavor(&wanted).await.unwrap()
}

fn new_server(name: &str, image: &Image, flavor: &Flavor) -> NewServer {
    NewServer {
        name: name.to_owned(),
        image_id: image.id.clone(),
        flavor_id: flavor.id.clone(),
        ..NewServer::default()
    }
}

/// The server once it has this status.
async fn with_status(cloud: &Cloud, id: &str, status: &ServerStatus) -> Server {
    let server = eventually(&format!("{status:?}"), async || {
        let server = cloud.server(id).await?;
        let settled = server.status == *status && server.task_state.is_none();
        Ok((settled || server.status == ServerStatus::Error).then_some(server))
    })
    .await;
    assert_eq!(server.status, *status, "{:?}", server.fault());
    server
}

/// Deletes a server, and waits until it is gone.
async fn delete(cloud: &Cloud, id: &str) {
    cloud.delete_server(id).await.unwrap();
    eventually("the end of the server", async || gone(cloud.server(id).await)).await;
    assert!(cloud.delete_server(id).await.unwrap_err().is_not_found());
}

/// Whether a thing is not found any more.
fn gone<T>(answer: Result<T, CloudError>) -> Result<Option<()>, CloudError> {
    match answer {
        Ok(_) => Ok(None),
        Err(error) if error.is_not_found() => Ok(Some(())),
        Err(error) => Err(error),
    }
}
