//! The story, and how it is shown.

use std::time::Duration;

use xos_sync_examples::{Fallible, Sync, instances, rename, show_instances, title, troubles};

use crate::cloud::Cloud;
use crate::start::Start;
use crate::{goal, seen};

/// Says what would happen at a cloud that is not ours.
pub(crate) fn ask_first(cloud: &Cloud, instances: u16) {
    println!(
        "\nThis would make three projects, three users with a key pair, two networks, an image and {instances} \
         servers of the smallest flavor there, for which its user needs the role admin. That may cost money. To \
         go ahead at {}, run it with --yes (or XOS_EXAMPLE_YES=true); with --clean, all is deleted again at the \
         end. For a trial on this machine alone, unset OS_CLOUD and OS_AUTH_URL.",
        cloud.client().auth_url()
    );
}

/// Changes, breaks and deletes, and shows how each is dealt with.
pub(crate) async fn story(sync: &Sync, cloud: &Cloud, start: &Start) -> Fallible {
    title("A change: web-1 is to be larger, and job-1 to be called batch-1");
    goal::enlarge(sync, start, "web-1").await?;
    rename(sync, "job-1", "batch-1").await?;
    sync.settled().await?;
    show_instances(sync).await?;

    title("A change: Carol is new, and joins a slice");
    goal::add_carol(sync).await?;
    sync.settled().await?;
    seen::roles(cloud, goal::WEB).await?;

    title("A break: the server of web-1 is deleted behind our back");
    delete(sync, cloud, "web-1").await?;
    show_instances(sync).await?;

    title("A mistake: an instance of a size that the cloud does not have");
    goal::add_impossible(sync).await?;
    sync.quiet().await?;
    troubles(sync).await?;
    println!(
        "  … the flavor's row is given the name of one that the cloud has, and the instance goes at once"
    );
    goal::mend_flavor(sync, start).await?;
    sync.settled().await?;
    show_instances(sync).await?;

    title("A deletion: that instance, and a slice with what is in it");
    goal::delete_some(sync).await?;
    sync.settled().await?;
    seen::show(cloud).await
}

/// Deletes a server with the client, and waits until there is another one.
async fn delete(sync: &Sync, cloud: &Cloud, name: &str) -> Fallible {
    let id = instances(sync).await?.into_iter().find(|row| row.name == name);
    let Some(id) = id.and_then(|row| row.instance_id) else {
        return Err(format!("{name} has no server").into());
    };
    cloud.client().delete_server(&id).await?;
    // It is still listed until the cloud has done it.
    while cloud.client().server(&id).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("  deleted {id}; the step looks once a minute, and now, because we ask it to");
    sync.checked().await
}
