//! A named set of steps over the data model, for those who embed it in their own program.

use std::{any::Any, sync::Arc, time::Duration};

use diesel::{RunQueryDsl, sql_query};
use tokio::sync::watch;

use crate::{
    db::{Db, OpenMode, ProcessLock},
    error::{Error, RegistryError, Result},
    event::{Feed, FeedStatus, Feeds, Handle, Inbox, SharedFeed, database_feed},
    event_loop::{self, Until},
    journal::{self, Owner},
    migrate,
    model::{Micros, ModelInfo},
    pass::{Clock, Limits, Passes, Report, Setup, Shown},
    pending::{Question, Questions, Want},
    registry::{Registry, StepRegistration},
    roll,
    schedule::Backoff,
    shard::Shards,
    step::{BackendSource, Backends, Context, Observed},
};

/// How often all is looked at again although no event said so.
const SAFETY_POLL: Duration = Duration::from_secs(30);
/// How long a process that shares the work may be silent.
const LEASE: Duration = Duration::from_secs(10);
/// Calls at once, of all steps together.
const CALLS: usize = 256;

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
    lease: Duration,
    handle: Handle,
    progress: watch::Sender<Report>,
    reports: watch::Sender<Option<Report>>,
    feeds: Vec<(SharedFeed, Inbox)>,
    /// Who this is among all that stamp rows of this database.
    origin: Arc<str>,
    _lock: Option<ProcessLock>,
}

/// What a [`Synchronizer`] is made of; [`Synchronizer::builder`].
pub struct Builder {
    name: Option<String>,
    database: Option<Database>,
    registry: Option<Registry>,
    backends: Backends,
    backoff: Backoff,
    calls: usize,
    clock: Clock,
    safety_poll: Duration,
    lease: Duration,
    feeds: Vec<Box<dyn Feed>>,
}

enum Database {
    Url(String),
    Open(Db),
}

impl Synchronizer {
    /// Begins with the linked steps and models, and nothing else.
    pub fn builder() -> Builder {
        Builder {
            name: None,
            database: None,
            registry: None,
            backends: Backends::default(),
            backoff: Backoff::default(),
            calls: CALLS,
            clock: Arc::new(Micros::now),
            safety_poll: SAFETY_POLL,
            lease: LEASE,
            feeds: Vec::new(),
        }
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
        let feeds = Feeds::new(&self.db, &self.handle, &self.feeds);
        let passes = self.passes().await?;
        let (clock, poll) = (self.clock.clone(), self.safety_poll);
        Ok(event_loop::run(passes, feeds, clock, poll, until, shutdown, &self.reports).await)
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
            origin: self.origin.clone(),
            limits: self.limits,
            clock: self.clock.clone(),
            observed: self.observed.clone(),
            observers: &observers,
            models: &self.models,
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

    /// How the feeds are doing, for the status; without counts, so that it changes seldom.
    fn shown(&self) -> Shown {
        let inboxes: Vec<_> = self.feeds.iter().map(|(_, inbox)| inbox.clone()).collect();
        Arc::new(move || {
            if inboxes.is_empty() {
                return String::new();
            }
            let status = |inbox: &Inbox| FeedStatus { received: 0, ..inbox.status() };
            let feeds: Vec<_> = inboxes.iter().map(status).collect();
            serde_json::to_string(&feeds).unwrap_or_default()
        })
    }

    /// Whether the SQL that authors wrote into `only` is understood, before it is needed.
    async fn check_scopes(&self, observers: &crate::toposort::Observers) -> Result<()> {
        for observed in self.observed.iter().filter(|observed| observed.spec().only.is_some()) {
            let (spec, model) = (observed.spec(), observed.model());
            let questions = Questions::new(model, Some(spec), observers, &self.models, self.name);
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

impl Builder {
    /// Which of the linked Synchronizers; needed only when there are several.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The database's URL; see [`Db::open`]. It must exist and be up to date.
    #[must_use]
    pub fn database(mut self, url: impl Into<String>) -> Self {
        self.database = Some(Database::Url(url.into()));
        self
    }

    /// A database that is open already.
    #[must_use]
    pub fn db(mut self, db: Db) -> Self {
        self.database = Some(Database::Open(db));
        self
    }

    /// Models and steps given by hand, in place of the linked ones.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// What steps' fields of this type are filled with.
    #[must_use]
    pub fn backend<B: Any + Send + Sync>(mut self, backend: B) -> Self {
        self.backends.insert(backend);
        self
    }

    /// How long failed objects wait.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Calls at once, of all steps together (256 unless set; at least 1).
    #[must_use]
    pub fn calls(mut self, calls: usize) -> Self {
        self.calls = calls.max(1);
        self
    }

    /// Where the time comes from, for waits and intervals.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Micros + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How often all is looked at again although no event said so (30 s unless set).
    #[must_use]
    pub fn safety_poll(mut self, every: Duration) -> Self {
        self.safety_poll = every;
        self
    }

    /// How long a process that shares the work of this Synchronizer on a server may be silent
    /// before the others take over (10 s unless set; at least 1 s). It renews its lease four
    /// times in that time.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// Where it hears of changes, beside the database's own way. May be called more than once.
    #[must_use]
    pub fn feed(mut self, feed: impl Feed) -> Self {
        self.feeds.push(Box::new(feed));
        self
    }

    /// Checks that all fits together, and opens what is needed.
    ///
    /// # Errors
    /// The first thing that is missing or does not fit, before anything runs.
    pub async fn build(self) -> Result<Synchronizer> {
        let registry = match self.registry {
            Some(registry) => registry,
            None => Registry::linked()?,
        };
        registry.check()?;
        let name = registry.pick(self.name.as_deref())?;
        let db = match self.database {
            Some(Database::Open(db)) => db,
            Some(Database::Url(url)) => Db::open(&url, OpenMode::Existing).await?,
            None => {
                return Err(Error::Usage(
                    "no database is set: `.database(\"sqlite://PATH\")`".into(),
                ));
            }
        };
        migrate::check(&db, &registry).await?;
        let steps: Vec<_> =
            registry.steps().iter().filter(|step| (step.spec)().synchronizer == name).collect();
        let backends = link_backends(self.backends, &steps).await?;
        let mut observed = Vec::new();
        for step in steps {
            observed.extend((step.build)(&backends)?);
        }
        // In the order of the graph: parents are asked for, and started, first.
        let levels = crate::dmdot::Graph::of(registry.models()).levels();
        observed.sort_by_key(|observed| levels.get(observed.model().table).copied());
        let handle = Handle::new(registry.models().map(|model| model.table));
        let origin: Arc<str> = uuid::Uuid::new_v4().simple().to_string().into();
        let feeds = database_feed(&db, &origin).into_iter().chain(self.feeds).map(|feed| {
            let inbox = Inbox::new(feed.name(), handle.clone());
            (Arc::new(tokio::sync::Mutex::new(feed)), inbox)
        });
        Ok(Synchronizer {
            feeds: feeds.collect(),
            origin,
            name,
            _lock: db.lock(name).await?,
            db: db.for_synchronizer(),
            models: registry.models().collect(),
            observed,
            limits: Limits { calls: self.calls, backoff: self.backoff },
            clock: self.clock,
            safety_poll: self.safety_poll,
            lease: self.lease,
            handle,
            progress: watch::Sender::new(Report::default()),
            reports: watch::Sender::new(None),
        })
    }
}

/// Makes the linked backends that these steps need and nobody has given.
async fn link_backends(mut backends: Backends, steps: &[&StepRegistration]) -> Result<Backends> {
    for source in inventory::iter::<BackendSource> {
        let type_id = (source.type_id)();
        let needed = steps.iter().flat_map(|step| step.backends).any(|needs| needs() == type_id);
        if needed && !backends.contains(type_id) {
            backends.insert_linked(source).await?;
        }
    }
    Ok(backends)
}
