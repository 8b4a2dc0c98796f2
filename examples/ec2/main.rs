//! The EC2 Synchronizer at work: a small goal state is brought up, changed, broken, and partly deleted.
//!
//! ```sh
//! cargo run --example ec2            # with a server that answers like EC2, started and stopped here
//! cargo run --example ec2 -- --keep  # leaves server and database; run it again: nothing is changed
//! AWS_PROFILE=lab cargo run --example ec2 -- --yes --clean  # with real AWS, and cleaned up after
//! ```

mod cloud;
mod goal;
mod tell;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cloud::Cloud;
use xos_sync_core::db::{Db, OpenMode};
use xos_sync_core::{Registry, Synchronizer};
use xos_sync_examples::{Fallible, Sync, logs, status, title};

/// The EC2 Synchronizer at work.
#[derive(Parser, Debug)]
struct Options {
    /// Leave the database and the server when all is told; the next run goes on with them.
    #[arg(long)]
    keep: bool,
    /// How many instances to have.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..))]
    instances: u16,
    /// The goal state's SQLite file; target/ec2-example/goal.db if not given.
    #[arg(long)]
    database: Option<PathBuf>,
    /// Go ahead where AWS settings are found: instances there cost money.
    #[arg(long, env = "XOS_EXAMPLE_YES")]
    yes: bool,
    /// Only bring up the goal state, and end when all is in line.
    #[arg(long)]
    bring_up: bool,
    /// At the end, delete everything that the goal state holds.
    #[arg(long)]
    clean: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let told = match runtime {
        Ok(runtime) => runtime.block_on(run(&options)),
        Err(error) => Err(error.into()),
    };
    match told {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ec2: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Fallible<ExitCode> {
    logs();
    let cloud = Cloud::find(options.keep).await?;
    if cloud.is_real() && !options.yes {
        tell::ask_first(&cloud, options.instances);
        return Ok(ExitCode::from(2));
    }
    let file = options.database.clone().unwrap_or_else(|| cloud::folder().join("goal.db"));
    if cloud.is_fresh() && options.database.is_none() {
        cloud::remove_database(&file)?;
    }
    println!("goal state in {}", file.display());
    let db = Db::open(&file.display().to_string(), OpenMode::Create).await?;
    let changes = xos_sync_core::migrate::migrate(&db, &Registry::linked()?).await?;
    if !changes.is_empty() {
        println!("made its tables");
    }

    let builder = Synchronizer::builder().name("ec2").db(db).backend(cloud.ec2().clone());
    let sync = Sync::start(builder).await?;
    tokio::select! {
        told = tell(options, &sync, &cloud) => told?,
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
        tell::offer(sync).await?;
        title("A goal state");
        goal::write(sync, options.instances).await?;
        sync.settled().await?;
        tell::instances(sync).await?;
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
    tell::instances(sync).await?;
    status(sync).await?;
    cloud.calls();
    Ok(())
}
