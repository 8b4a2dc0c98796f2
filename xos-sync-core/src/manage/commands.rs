//! The commands.

use std::{collections::BTreeSet, process::ExitCode};

use super::{
    Arguments, Command, Dmdot, Retry, Run, output, progress,
    rows::{self, Retried},
};
use crate::{
    db::{Db, OpenMode},
    dmdot::Graph,
    error::{Error, Result, escape_json},
    event::{self, Bridge, Event, Publisher as _},
    migrate,
    model::ModelInfo,
    registry::Registry,
    status::{self, State, Status},
    synchronizer::Synchronizer,
};

/// The exit code when a row or a listing has failed.
const HAS_FAILED: u8 = 3;

pub(super) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let database = arguments.database;
    match arguments.command {
        Command::Run(options) => synchronize(&database, options).await,
        Command::Status { json } => show_status(&database, json).await,
        Command::Dmdot(options) => dmdot(&options),
        Command::Migrate => bring_up_to_date(&database).await,
        Command::Retry(options) => retry(&database, options).await,
        Command::Bridge { to, no_notifications } => bridge(&database, &to, no_notifications).await,
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
    if options.no_notifications {
        builder = builder.without_notifications();
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
        output::line(&report)?;
        let registry = Registry::linked()?;
        let status = status::read(synchronizer.db(), &registry).await?;
        if let Some(failed) = failures(&status, &registry, synchronizer.name()) {
            output::line(format_args!("{failed} failed: `status` says why"))?;
            return Ok(ExitCode::from(HAS_FAILED));
        }
    } else {
        synchronizer.run(interrupted()).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How many rows and listings of a Synchronizer have failed, if any has.
fn failures(status: &Status, registry: &Registry, synchronizer: &str) -> Option<String> {
    let specs = registry.steps().iter().map(|step| (step.spec)());
    let observed: BTreeSet<_> = specs
        .filter(|spec| spec.synchronizer == synchronizer)
        .flat_map(|spec| spec.observed())
        .map(|model| model.table)
        .collect();
    let models = status.models.iter().filter(|model| observed.contains(model.table));
    let rows: i64 = models.filter_map(|model| model.counts.get(&State::Failed)).sum();
    let steps = status.steps.iter().filter(|step| step.synchronizer == synchronizer);
    let listings = steps.filter(|step| step.has_failed()).count();
    let rows_failed = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    let listings_failed =
        if listings == 1 { "1 listing".to_owned() } else { format!("{listings} listings") };
    match (rows, listings) {
        (0, 0) => None,
        (1, 0) => Some(format!("{rows_failed} has")),
        (_, 0) => Some(format!("{rows_failed} have")),
        (0, 1) => Some(format!("{listings_failed} has")),
        (0, _) => Some(format!("{listings_failed} have")),
        _ => Some(format!("{rows_failed} and {listings_failed} have")),
    }
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
        output::line(escape_json(&text))?;
    } else {
        output::text_as_it_is(&status)?;
    }
    Ok(if status.has_failed() { ExitCode::from(HAS_FAILED) } else { ExitCode::SUCCESS })
}

fn dmdot(options: &Dmdot) -> Result<ExitCode> {
    let registry = Registry::linked()?;
    let mut graph = Graph::of(registry.models());
    if let Some(crate_name) = &options.of_crate {
        let known: BTreeSet<_> = registry.models().map(|model| model.crate_name).collect();
        if !known.contains(crate_name.as_str()) {
            return Err(Error::Usage(format!(
                "no model is declared by a crate {crate_name}; there are models of: {}",
                known.into_iter().collect::<Vec<_>>().join(", ")
            )));
        }
        graph = graph.of_crate(crate_name);
    }
    if options.dot {
        output::text_as_it_is(graph.dot())?;
    } else if options.mermaid {
        output::text_as_it_is(graph.mermaid())?;
    } else {
        output::line(format_args!("{:#}", graph.json()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn bring_up_to_date(database: &str) -> Result<ExitCode> {
    let registry = Registry::linked()?;
    let db = Db::open(database, OpenMode::Create).await?;
    let done = migrate::migrate(&db, &registry).await?;
    if done.is_empty() {
        output::line(format_args!("{} is up to date", db.url()))?;
    }
    let follows = |line: &&String| line.starts_with("index ") || line.starts_with("trigger ");
    for line in done.iter().filter(|line| !follows(line)) {
        output::line(line)?;
    }
    match done.iter().filter(follows).count() {
        0 => {}
        count => output::line(format_args!("{count} indexes and triggers"))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn retry(database: &str, options: Retry) -> Result<ExitCode> {
    let (db, registry) = open(database).await?;
    let models = models_called(&registry, options.model.as_deref())?;
    let Retry { id, waiting, .. } = options;
    let one = models.first().copied().zip(id);
    let found = db
        .write(move |conn| {
            let retried = models.iter().map(|model| rows::retry(conn, model, id, waiting));
            retried.collect::<diesel::QueryResult<Vec<_>>>()
        })
        .await?;
    let mut sum = Retried::default();
    for retried in found {
        match (retried, one) {
            (Some(retried), _) => {
                sum.now += retried.now;
                sum.waiting += retried.waiting;
            }
            (None, Some((model, id))) => return Err(Error::NoSuchRow { model: model.name, id }),
            (None, None) => {}
        }
    }
    match sum.now {
        1 => output::line("1 row is tried again now")?,
        rows => output::line(format_args!("{rows} rows are tried again now"))?,
    }
    match sum.waiting {
        0 => {}
        1 => output::line("1 row waits as its backend asked: `--waiting` tries it too")?,
        rows => output::line(format_args!(
            "{rows} rows wait as their backend asked: `--waiting` tries them too"
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The models of this name or of this table's name; all if none is named.
fn models_called(registry: &Registry, name: Option<&str>) -> Result<Vec<&'static ModelInfo>> {
    let called =
        |info: &&ModelInfo| name.is_none_or(|name| info.name == name || info.table == name);
    let models: Vec<_> = registry.models().filter(called).collect();
    if models.is_empty() {
        let known: Vec<_> = registry.models().map(|model| model.name).collect();
        return Err(Error::Usage(format!(
            "there is no model {}; there are: {}",
            name.unwrap_or_default(),
            known.join(", ")
        )));
    }
    Ok(models)
}

async fn bridge(database: &str, bus: &str, no_notifications: bool) -> Result<ExitCode> {
    let publisher = event::publisher_at(bus)?;
    let (db, registry) = open(database).await?;
    tracing::info!(bus = publisher.name(), database = %db.url(), "publishing changes");
    let mut bridge = Bridge::new(db, &registry, publisher);
    if no_notifications {
        bridge = bridge.without_notifications();
    }
    bridge.run(interrupted()).await;
    Ok(ExitCode::SUCCESS)
}

async fn check(database: &str) -> Result<ExitCode> {
    let (db, registry) = open(database).await?;
    output::line(format_args!(
        "{} models, {} steps of {} fit together, and {} is up to date",
        registry.models().count(),
        registry.steps().len(),
        registry.synchronizers().join(", "),
        db.url(),
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The database, which must be up to date, and what is linked.
async fn open(database: &str) -> Result<(Db, Registry)> {
    let registry = Registry::linked()?;
    let db = Db::open(database, OpenMode::Existing).await?;
    migrate::check(&db, &registry).await?;
    Ok((db, registry))
}
