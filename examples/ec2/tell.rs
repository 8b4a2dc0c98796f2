//! The story, and how it is shown.

use xos_sync_ec2::client::{Filter, InstanceQuery};

use xos_sync_examples::{Fallible, Sync, instances, rename, show_instances, title, troubles};

use crate::cloud::Cloud;
use crate::goal;

/// Says what would happen at a cloud that is not ours.
pub(crate) fn ask_first(cloud: &Cloud, instances: u16) {
    println!(
        "\nThis would create a key pair and {instances} instances (t3.micro, one of them t3.small) at {}. That may \
         cost money. To go ahead, run it with --yes (or XOS_EXAMPLE_YES=true); with --clean, all is deleted again \
         at the end. For a trial on this machine alone, unset the AWS settings.",
        cloud.ec2().endpoint()
    );
}

/// Changes, breaks and deletes, and shows how each is dealt with.
pub(crate) async fn story(sync: &Sync, cloud: &Cloud) -> Fallible {
    title("A change: web-1 is to be a t3.small (stop, change, start)");
    goal::resize(sync, "web-1", "t3.small").await?;
    sync.settled().await?;
    show_instances(sync).await?;

    title("A change: job-1 is to be called batch-1 (a tag, in place)");
    rename(sync, "job-1", "batch-1").await?;
    sync.settled().await?;

    title("A break: web-1 is terminated behind our back");
    terminate(sync, cloud, "web-1").await?;
    show_instances(sync).await?;

    title("A mistake: an instance of an image that EC2 does not have");
    goal::add_impossible(sync).await?;
    sync.quiet().await?;
    troubles(sync).await?;
    println!(
        "  … the image's row is given the id of one that EC2 has, and the instance goes at once"
    );
    goal::mend_image(sync).await?;
    sync.settled().await?;
    show_instances(sync).await?;

    title("A deletion: that instance, and a slice with what is in it");
    goal::delete_some(sync).await?;
    sync.settled().await
}

/// Terminates an instance with the client, and waits until there is another one.
async fn terminate(sync: &Sync, cloud: &Cloud, name: &str) -> Fallible {
    let id = instances(sync).await?.into_iter().find(|row| row.name == name);
    let Some(id) = id.and_then(|row| row.instance_id) else {
        return Err(format!("{name} has no instance").into());
    };
    cloud.ec2().terminate_instances(&[&id]).await?;
    println!("  terminated {id}; the step looks once a minute, and now, because we ask it to");
    sync.checked().await?;
    let query = InstanceQuery::new().filter(Filter::new("instance-id", [&id]));
    let old = cloud.ec2().describe_instances(query).all().await?;
    println!("  EC2 says of {id}: {}", old.first().map_or("gone", |old| old.state.as_str()));
    Ok(())
}
