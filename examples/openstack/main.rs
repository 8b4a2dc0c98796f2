//! The OpenStack Synchronizer at work: a small goal state is brought up, changed, broken, and deleted.
//!
//! ```sh
//! cargo run --example openstack            # with a real OpenStack, installed, started and stopped here
//! cargo run --example openstack -- --keep  # leaves cloud and database; run it again: nothing is changed
//! OS_CLOUD=lab cargo run --example openstack -- --yes --clean  # with a cloud of yours, and cleaned up after
//! cargo run --example openstack -- dmdot   # or status, run, check …: the plain Synchronizer's commands
//! ```

mod cloud;
mod goal;
mod seen;
mod start;
mod tell;

use std::process::ExitCode;

use clap::Parser;
use cloud::Cloud;
use start::Start;
use xos_sync_core::Synchronizer;
use xos_sync_examples::{
    Fallible, Options, Sync, logs, offer, open, show_instances, status, title,
};

/// The OpenStack Synchronizer at work.
#[derive(Parser, Debug)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Boot from this public image of the cloud; from a megabyte with nothing in it if not given.
    #[arg(long)]
    image: Option<String>,
}

fn main() -> ExitCode {
    xos_sync_examples::main("openstack", || run(Arguments::parse()))
}

async fn run(arguments: Arguments) -> Fallible<ExitCode> {
    logs();
    let options = arguments.options;
    let cloud = Cloud::find(&options).await?;
    if cloud.service().is_none() && !options.yes {
        tell::ask_first(&cloud, options.instances);
        return Ok(ExitCode::from(2));
    }
    let (db, file) =
        open("openstack", cloud.client().auth_url(), &options, cloud.service()).await?;
    let start = Start::write(&db, &cloud, arguments.image).await?;
    let sync = Sync::start(Synchronizer::builder().name("openstack").db(db)).await?;
    tokio::select! {
        told = tell(&options, &sync, &cloud, &start) => told?,
        _ = tokio::signal::ctrl_c() => println!("\nstopping: what has begun is finished first"),
    }
    sync.stop().await?;
    cloud.goodbye(&file, &options);
    Ok(ExitCode::SUCCESS)
}

async fn tell(options: &Options, sync: &Sync, cloud: &Cloud, start: &Start) -> Fallible {
    if goal::is_there(sync).await? {
        title("The goal state is there from an earlier run: is the cloud still in line?");
        sync.checked().await?;
    } else {
        title("What the cloud offers, as rows");
        sync.checked().await?;
        offer(sync).await?;
        title("A goal state: a site, users, slices, networks and instances, written with SQL");
        goal::write(sync, start, options.instances).await?;
        sync.settled().await?;
        goal::expanded(sync).await?;
        show_instances(sync).await?;
        seen::show(cloud).await?;
        if !options.bring_up {
            tell::story(sync, cloud, start).await?;
        }
    }
    if cloud.is_cleaned(options) {
        title(
            "Everything is deleted: what is in a slice first, then its networks, then its project",
        );
        goal::delete_all(sync, start).await?;
        sync.settled().await?;
        seen::show(cloud).await?;
    }
    title("The end");
    show_instances(sync).await?;
    status(sync).await?;
    cloud.calls();
    Ok(())
}
