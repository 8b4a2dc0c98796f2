//! The commands.

use std::process::ExitCode;

use diesel::{RunQueryDsl, sql_query};

use super::{Arguments, Command, Dmdot, Run, progress};
use crate::{
    db::{Db, OpenMode},
    dmdot::Graph,
    error::{Error, Result},
    event::{self, Bridge, Event, Publisher as _},
    migrate,
    registry::Registry,
    status::{self, State},
    synchronizer::Synchronizer,
};

pub(super) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let database = arguments.database;
    match arguments.command {
        Command::Run(options) => synchronize(&database, options).await,
        Command::Status { json } => show_status(&database, json).await,
        Command::Dmdot(options) => dmdot(&options),
        Command::Migrate => bring_up_to_date(&database).await,
        Command::Retry { model } => retry(&database, model.as_deref()).await,
        Command::Bridge { to } => bridge(&database, &to).await,
        Command::Check => check(&database).await,
    }
}

async fn synchronize(database: &str, options: Run) -> Result<ExitCode> {
    let mut builder = Synchronizer::builder().database(database);
    if let Some(name) = options.synchronizer {
        builder = builder.name(name);
    }
    if let Some(calls) = options.calls {
        builder = builder.calls(calls);
    }
    if let Some(connections) = options.connections {
        builder = builder.connections(connections);
    }
    for budget in options.budgets {
        builder = builder.budget(budget);
    }
    for url in &options.feeds {
        builder = builder.feed(event::feed_at(url)?);
    }
    let synchronizer = builder.build().await?;
    tracing::info!(synchronizer = synchronizer.name(), database = %synchronizer.db().url(), "running");
    let _progress = progress::show(&synchronizer);
    if options.come_round {
        synchronizer.handle().send(Event::ComeRound);
    }
    if options.once {
        let report = synchronizer.pass().await?;
        println!("{report}");
    } else {
        synchronizer.run(interrupted()).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ready at the first SIGINT or SIGTERM. A second one ends the process at once, as if it had
/// been killed: nothing is lost by that.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("cannot catch signals: end the process by kill");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    });
}

async fn show_status(database: &str, json: bool) -> Result<ExitCode> {
    let (db, registry) = open(database).await?;
    let status = status::read(&db, &registry).await?;
    if json {
        let text = serde_json::to_string_pretty(&status)
            .map_err(|error| Error::Usage(error.to_string()))?;
        println!("{text}");
    } else {
        print!("{status}");
    }
    let failed = status.count(State::Failed) > 0;
    Ok(if failed { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

fn dmdot(options: &Dmdot) -> Result<ExitCode> {
    let registry = Registry::linked()?;
    let mut graph = Graph::of(registry.models());
    if let Some(crate_name) = &options.of_crate {
        let known: std::collections::BTreeSet<_> =
            registry.models().map(|model| model.crate_name).collect();
        if !known.contains(crate_name.as_str()) {
            return Err(Error::Usage(format!(
                "no model is declared by a crate {crate_name}; there are models of: {}",
                known.into_iter().collect::<Vec<_>>().join(", ")
            )));
        }
        graph = graph.of_crate(crate_name);
    }
    if options.dot {
        print!("{}", graph.dot());
    } else if options.mermaid {
        print!("{}", graph.mermaid());
    } else {
        println!("{:#}", graph.json());
    }
    Ok(ExitCode::SUCCESS)
}

async fn bring_up_to_date(database: &str) -> Result<ExitCode> {
    let registry = Registry::linked()?;
    let db = Db::open(database, OpenMode::Create).await?;
    let done = migrate::migrate(&db, &registry).await?;
    if done.is_empty() {
        println!("{} is up to date", db.url());
    }
    let follows = |line: &&String| line.starts_with("index ") || line.starts_with("trigger ");
    done.iter().filter(|line| !follows(line)).for_each(|line| println!("{line}"));
    match done.iter().filter(follows).count() {
        0 => {}
        count => println!("{count} indexes and triggers"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn retry(database: &str, model: Option<&str>) -> Result<ExitCode> {
    let (db, registry) = open(database).await?;
    let models: Vec<_> = registry
        .models()
        .filter(|info| model.is_none_or(|model| info.name == model || info.table == model))
        .collect();
    if models.is_empty() {
        let known: Vec<_> = registry.models().map(|model| model.name).collect();
        return Err(Error::Usage(format!(
            "there is no model {}; there are: {}",
            model.unwrap_or_default(),
            known.join(", ")
        )));
    }
    let retried: usize = db
        .write(move |conn| {
            models.iter().try_fold(0, |sum, model| {
                let statement = format!(
                    "UPDATE {}_sync SET retry_at = NULL, attempts = 0 WHERE retry_at IS NOT NULL",
                    model.table
                );
                Ok(sum + sql_query(statement).execute(conn)?)
            })
        })
        .await?;
    println!("{retried} rows are tried again now");
    Ok(ExitCode::SUCCESS)
}

async fn bridge(database: &str, bus: &str) -> Result<ExitCode> {
    let publisher = event::publisher_at(bus)?;
    let (db, registry) = open(database).await?;
    tracing::info!(bus = publisher.name(), database = %db.url(), "publishing changes");
    Bridge::new(db, &registry, publisher).run(interrupted()).await;
    Ok(ExitCode::SUCCESS)
}

async fn check(database: &str) -> Result<ExitCode> {
    let (db, registry) = open(database).await?;
    println!(
        "{} models, {} steps of {} fit together, and {} is up to date",
        registry.models().count(),
        registry.steps().len(),
        registry.synchronizers().join(", "),
        db.url(),
    );
    Ok(ExitCode::SUCCESS)
}

/// The database, which must be up to date, and what is linked.
async fn open(database: &str) -> Result<(Db, Registry)> {
    let registry = Registry::linked()?;
    let db = Db::open(database, OpenMode::Existing).await?;
    migrate::check(&db, &registry).await?;
    Ok((db, registry))
}
