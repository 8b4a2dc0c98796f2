//! A named set of steps over the data model, for those who embed it in their own program.

mod budgets;
mod builder;

use std::{sync::Arc, time::Duration};

use diesel::{RunQueryDsl, sql_query};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    budget::Budget,
    db::{Db, ProcessLock, Trouble},
    error::{RegistryError, Result},
    event::{FeedStatus, Feeds, Handle, Inbox, SharedFeed},
    event_loop::{self, Ended, Until},
    journal::{self, Owner},
    model::ModelInfo,
    pass::{Clock, LimitStatus, Limits, Passes, Report, Setup, Shown},
    pending::{Question, Questions, Want},
    roll,
    shard::Shards,
    step::{Context, Observed},
};

pub use builder::Builder;

/// What a process says of itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) feeds: Vec<FeedStatus>,
    pub(crate) limits: Vec<LimitStatus>,
    #[serde(default)]
    pub(crate) troubles: Vec<Trouble>,
}

/// A Synchronizer that is ready to run.
///
/// # Guarantees
/// It may be killed at any moment and started again, and ends in the goal state with nothing
/// lost and nothing done twice, as far as its steps are idempotent.
pub struct Synchronizer {
    name: &'static str,
    db: Db,
    models: Vec<&'static ModelInfo>,
    observed: Vec<Arc<dyn Observed>>,
    limits: Limits,
    clock: Clock,
    safety_poll: Duration,
    repair_interval: Duration,
    lease: Duration,
    budgets: Vec<Budget>,
    handle: Handle,
    progress: watch::Sender<Report>,
    reports: watch::Sender<Option<Report>>,
    feeds: Vec<(SharedFeed, Inbox)>,
    /// Who this is among all that stamp rows of this database.
    origin: Arc<str>,
    _lock: Option<ProcessLock>,
}

impl Synchronizer {
    /// Begins with the linked steps and models, and nothing else.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The goal state's database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Wakes it while it runs.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// What the pass that is under way has done so far; changes often.
    pub fn progress(&self) -> watch::Receiver<Report> {
        self.progress.subscribe()
    }

    /// The last pass that ended.
    pub fn reports(&self) -> watch::Receiver<Option<Report>> {
        self.reports.subscribe()
    }

    /// How the feeds are doing that it was given.
    pub fn feeds(&self) -> Vec<FeedStatus> {
        self.feeds.iter().map(|(_, inbox)| inbox.status()).collect()
    }

    /// What is wrong with the database as a whole.
    pub fn trouble(&self) -> Option<Trouble> {
        self.db.trouble()
    }

    /// Runs until `shutdown` is ready; then finishes the calls that have begun, and returns.
    ///
    /// # Errors
    /// What the database answered at the start. Once it runs, a database that does not answer
    /// only costs time.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<()> {
        self.until(Until::Shutdown, shutdown).await.map(drop)
    }

    /// Runs one pass: until nothing is left that can be done now. Objects that wait after a
    /// failure, or for their backend, are not waited for.
    ///
    /// # Errors
    /// As [`Synchronizer::run`].
    pub async fn pass(&self) -> Result<Report> {
        self.until(Until::Quiet, std::future::pending()).await
    }

    async fn until(&self, until: Until, shutdown: impl Future<Output = ()>) -> Result<Report> {
        let mut feeds = Feeds::new(&self.db, &self.handle, &self.feeds);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let passes = self.passes().await?;
            let (clock, poll) = (self.clock.clone(), self.safety_poll);
            let shutdown = shutdown.as_mut();
            let (report, ended) =
                event_loop::run(passes, &mut feeds, clock, poll, until, shutdown, &self.reports)
                    .await;
            if ended == Ended::Finished {
                return Ok(report);
            }
        }
    }

    async fn passes(&self) -> Result<Passes> {
        let entries = self.enter().await?;
        let observers = roll::observers(self.db.engine(), &entries, &self.models);
        self.check_scopes(&observers).await?;
        let mut passes = Passes::new(Setup {
            db: self.db.clone(),
            context: Context::new(self.db.clone(), self.name),
            shown: self.shown(),
            lease: self.lease,
            repair_interval: self.repair_interval,
            origin: self.origin.clone(),
            limits: self.limits,
            budgets: self.budgets.clone(),
            clock: self.clock.clone(),
            observed: self.observed.clone(),
            observers: &observers,
            models: &self.models,
            steps: roll::fingerprint(&entries),
            progress: self.progress.clone(),
        });
        for (observed, round) in passes.rounds_mut() {
            let (step, table) = (observed.spec().name, observed.model().table);
            let entry = entries.iter().find(|entry| entry.is_of(self.name, step, table));
            *round = entry.map(roll::Entry::round).unwrap_or_default();
        }
        Ok(passes)
    }

    /// Enters the steps into the roll, and takes over what a run that died left in hand. Writes
    /// only when there is something to write.
    async fn enter(&self) -> Result<Vec<roll::Entry>> {
        let name = self.name;
        // On a server, members do that for each other.
        let owner = Owner { synchronizer: name, member: String::new() };
        let specs: Vec<_> = self.observed.iter().map(|observed| observed.spec()).collect();
        let asked = owner.clone();
        let (entries, left) = self
            .db
            .run(move |conn| Ok((roll::all(conn)?, journal::has_lines(conn, &asked)?)))
            .await?;
        if !left && roll::is_entered(&entries, name, &specs) {
            return Ok(entries);
        }
        let models = self.models.clone();
        let (entries, recovered) = self
            .db
            .write_quietly(move |conn| {
                roll::enter(conn, name, &specs)?;
                let recovered = journal::recover(conn, &owner, &models)?;
                Ok((roll::all(conn)?, recovered))
            })
            .await?;
        if recovered > 0 {
            tracing::info!(
                rows = recovered,
                "the last run ended while rows were in hand; the backend may hold something of them"
            );
        }
        Ok(entries)
    }

    /// What this process says of itself, for the status; empty when there is nothing to say.
    fn shown(&self) -> Shown {
        let inboxes: Vec<_> = self.feeds.iter().map(|(_, inbox)| inbox.clone()).collect();
        let db = self.db.clone();
        Arc::new(move |limits| {
            let troubles = db.troubles();
            if inboxes.is_empty() && limits.is_empty() && troubles.is_empty() {
                return String::new();
            }
            // Without counts, so that it changes seldom.
            let status = |inbox: &Inbox| FeedStatus { received: 0, ..inbox.status() };
            let feeds = inboxes.iter().map(status).collect();
            serde_json::to_string(&Said { feeds, limits: limits.to_vec(), troubles })
                .unwrap_or_default()
        })
    }

    /// Whether the SQL that authors wrote into `only` is understood, before it is needed.
    async fn check_scopes(&self, observers: &crate::toposort::Observers) -> Result<()> {
        for observed in self.observed.iter().filter(|observed| observed.spec().only.is_some()) {
            let (spec, model) = (observed.spec(), observed.model());
            let questions =
                Questions::new(model, Some(spec), observers, &self.models, self.name, &self.origin);
            let first = Question::Next { want: Want::Sync, after: 0 };
            let keys = questions.keys(&first, 1, Shards::ALL);
            self.db
                .run(move |conn| sql_query(format!("EXPLAIN {keys}")).execute(conn))
                .await
                .map_err(|error| RegistryError::Only {
                    step: spec.name,
                    table: model.table,
                    only: spec.only.unwrap_or_default(),
                    reason: error.to_string(),
                })?;
        }
        Ok(())
    }
}
