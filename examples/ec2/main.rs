//! The EC2 Synchronizer at work: a small goal state is brought up, changed, broken, and partly deleted.
//!
//! ```sh
//! cargo run --example ec2            # with a server that answers like EC2, started and stopped here
//! cargo run --example ec2 -- --keep  # leaves server and database; run it again: nothing is changed
//! AWS_PROFILE=lab cargo run --example ec2 -- --yes --clean  # with real AWS, and cleaned up after
//! cargo run --example ec2 -- dmdot   # or status, run, check …: the plain Synchronizer's commands
//! ```

mod cloud;
mod goal;
mod tell;

use std::process::ExitCode;

use clap::Parser;
use cloud::Cloud;
use xos_sync_core::Synchronizer;
use xos_sync_examples::{
    Fallible, Options, Sync, logs, offer, open, show_instances, status, title,
};

/// The EC2 Synchronizer at work.
#[derive(Parser, Debug)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    xos_sync_examples::main("ec2", || run(Arguments::parse().options))
}

async fn run(options: Options) -> Fallible<ExitCode> {
    logs();
    let cloud = Cloud::find(&options).await?;
    if cloud.service().is_none() && !options.yes {
        tell::ask_first(&cloud, options.instances);
        return Ok(ExitCode::from(2));
    }
    let (db, file) = open("ec2", cloud.ec2().endpoint(), &options, cloud.service()).await?;
    let builder = Synchronizer::builder().name("ec2").db(db).backend(cloud.ec2().clone());
    let sync = Sync::start(builder).await?;
    tokio::select! {
        told = tell(&options, &sync, &cloud) => told?,
        _ = tokio::signal::ctrl_c() => println!("\nstopping: what has begun is finished first"),
    }
    sync.stop().await?;
    cloud.goodbye(&file);
    Ok(ExitCode::SUCCESS)
}

async fn tell(options: &Options, sync: &Sync, cloud: &Cloud) -> Fallible {
    if goal::is_there(sync).await? {
        title("The goal state is there from an earlier run: is EC2 still in line?");
        sync.checked().await?;
    } else {
        title("What EC2 offers");
        sync.settled().await?;
        offer(sync).await?;
        title("A goal state");
        goal::write(sync, options.instances).await?;
        sync.settled().await?;
        show_instances(sync).await?;
        if !options.bring_up {
            tell::story(sync, cloud).await?;
        }
    }
    if options.clean {
        title("Everything is deleted");
        goal::delete_all(sync).await?;
        sync.settled().await?;
    }
    title("The end");
    show_instances(sync).await?;
    status(sync).await?;
    cloud.calls();
    Ok(())
}
