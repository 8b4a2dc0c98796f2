//! What a Synchronizer is made of, and whether it fits together.

use std::{any::Any, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{Synchronizer, budgets};
use crate::{
    budget::Budget,
    db::{Db, OpenMode},
    error::{Error, Result},
    event::{Feed, Handle, Inbox, Notice, database_feed},
    migrate,
    model::Micros,
    pass::{Clock, Limits, Report},
    registry::{Registry, StepRegistration},
    schedule::Backoff,
    step::{BackendSource, Backends},
};

/// How often all is looked at again although no event said so.
const SAFETY_POLL: Duration = Duration::from_secs(30);
/// How often the tables are compared with their bookkeeping.
const REPAIR_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How long a process that shares the work may be silent.
const LEASE: Duration = Duration::from_secs(10);
/// It is renewed in time on a busy machine, too.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
/// Calls at once, of all steps together.
const CALLS: usize = 256;

/// What a [`Synchronizer`] is made of; [`Synchronizer::builder`].
pub struct Builder {
    name: Option<String>,
    database: Option<Database>,
    registry: Option<Registry>,
    backends: Backends,
    backoff: Backoff,
    calls: usize,
    connections: Option<usize>,
    budgets: Vec<Budget>,
    clock: Clock,
    safety_poll: Duration,
    repair_interval: Duration,
    lease: Duration,
    notice: Notice,
    feeds: Vec<Box<dyn Feed>>,
}

enum Database {
    Url(String),
    Open(Db),
}

impl Builder {
    pub(super) fn new() -> Self {
        #[cfg(feature = "http")]
        crate::http::provide_tls();
        Self {
            name: None,
            database: None,
            registry: None,
            backends: Backends::default(),
            backoff: Backoff::default(),
            calls: CALLS,
            connections: None,
            budgets: Vec::new(),
            clock: Arc::new(Micros::now),
            safety_poll: SAFETY_POLL,
            repair_interval: REPAIR_INTERVAL,
            lease: LEASE,
            notice: Notice::Notifications,
            feeds: Vec::new(),
        }
    }

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

    /// Calls at once, of all steps together (256 unless set). [`Builder::build`] refuses 0.
    #[must_use]
    pub fn calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// Connections to the database at once, where it is named by its URL (6 unless set);
    /// see [`Db::open_with`].
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// A budget for the steps that draw on it, in place of a linked one of the same name. May be
    /// called more than once.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
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

    /// How often the tables are compared with their bookkeeping (1 h unless set). The first
    /// comparison comes after this time, too, or 30 s after the start if that is sooner. It finds
    /// what no trigger saw: the changes of restore tools, and rows that an expansion lacks.
    #[must_use]
    pub fn repair_interval(mut self, every: Duration) -> Self {
        self.repair_interval = every;
        self
    }

    /// How long a process that shares the work of this Synchronizer on a server may be silent
    /// before the others take over (10 s unless set). It renews its lease four times in that time.
    /// [`Builder::build`] refuses less than one second.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Does not listen to the server's notifications; a cheap query each second finds changes.
    ///
    /// For a database whose notifications are switched off, because NOTIFY lets commits wait for each
    /// other, refuses two-phase commit, and can fill its queue; and for one behind a pooler that does
    /// not carry them.
    #[must_use]
    pub fn without_notifications(mut self) -> Self {
        self.notice = Notice::Probe;
        self
    }

    /// Where it hears of changes, beside the database's own way. May be called more than once.
    #[must_use]
    pub fn feed(mut self, feed: impl Feed) -> Self {
        self.feeds.push(Box::new(feed));
        self
    }

    fn check_limits(&self) -> Result<()> {
        if self.calls == 0 {
            let message = "0 calls at once are too few: a Synchronizer needs at least 1";
            return Err(Error::Usage(message.into()));
        }
        if self.lease < SHORTEST_LEASE {
            let (lease, least) = (self.lease, SHORTEST_LEASE);
            let message = format!("a lease of {lease:?} is too short: it lasts at least {least:?}");
            return Err(Error::Usage(message));
        }
        Ok(())
    }

    /// Checks that all fits together, and opens what is needed.
    ///
    /// # Errors
    /// The first thing that is missing or does not fit, before anything runs.
    pub async fn build(self) -> Result<Synchronizer> {
        self.check_limits()?;
        let registry = match self.registry {
            Some(registry) => registry,
            None => Registry::linked()?,
        };
        registry.check()?;
        let name = registry.pick(self.name.as_deref())?;
        let db = match self.database {
            Some(Database::Open(db)) => db,
            Some(Database::Url(url)) => match self.connections {
                Some(most) => Db::open_with(&url, OpenMode::Existing, most).await?,
                None => Db::open(&url, OpenMode::Existing).await?,
            },
            None => {
                return Err(Error::Usage(
                    "no database is set: `.database(\"sqlite://PATH\")`".into(),
                ));
            }
        };
        let specs = registry.steps().iter().map(|step| (step.spec)());
        let budgets = budgets::of(name, specs, self.budgets)?;
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
        let feeds =
            database_feed(&db, &origin, self.notice).into_iter().chain(self.feeds).map(|feed| {
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
            repair_interval: self.repair_interval,
            lease: self.lease,
            budgets,
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
