//! Plain data about what is in line, what is not, and why.

mod blame;
mod processes;
mod read;
mod render;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    db::{Db, Engine},
    error::{BackendClass, Reason, Result},
    registry::Registry,
};

pub use crate::pass::LimitStatus;
pub use processes::ProcessStatus;

/// The state of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// In line with its goal.
    Enacted,
    /// The goal is not applied yet; nothing stands in the way.
    Pending,
    /// Pending, and waits for another row.
    Blocked,
    /// Waits for its backend, not an error.
    Waiting,
    /// The last call failed.
    Failed,
    /// Not to be synced (`no_sync`, `lazy_blocked`).
    Held,
    /// Deleted, and still to be removed.
    Deleting,
    /// No step observes it: it is only part of the goal.
    Goal,
}

impl State {
    /// All states, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Enacted,
        Self::Pending,
        Self::Blocked,
        Self::Waiting,
        Self::Failed,
        Self::Held,
        Self::Deleting,
        Self::Goal,
    ];

    /// The state's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enacted => "enacted",
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Deleting => "deleting",
            Self::Goal => "goal",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Everything that `status` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Why the database takes no writes, if it takes none.
    pub database: Option<String>,
    /// Each model that has rows, in the order of the graph.
    pub models: Vec<ModelStatus>,
    /// Rows that are not in line, with the reason; at most [`MOST_OBJECTS`] of each model.
    pub objects: Vec<ObjectStatus>,
    /// Each step.
    pub steps: Vec<StepStatus>,
    /// The processes that are at work.
    pub processes: Vec<ProcessStatus>,
    /// Each Synchronizer of the program and of the database.
    pub synchronizers: Vec<SynchronizerStatus>,
}

/// Whether a Synchronizer is at work on the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SynchronizerStatus {
    /// Its name.
    pub synchronizer: String,
    /// Whether a process runs it. On a SQLite file the operating system's lock tells, on a server the
    /// leases of the processes.
    pub running: bool,
}

/// Rows named at the most, of each model.
pub const MOST_OBJECTS: i64 = 50;

/// How many rows of a model are in which state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelStatus {
    /// The model.
    pub model: &'static str,
    /// Its table.
    pub table: &'static str,
    /// Rows by state; states without rows are left out.
    pub counts: std::collections::BTreeMap<State, i64>,
}

/// A row that is not in line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectStatus {
    /// The model.
    pub model: &'static str,
    /// The key.
    pub id: i64,
    /// What people call it.
    pub label: String,
    /// Its state.
    pub state: State,
    /// What kind of outcome its last call had, when the row is not in line by it.
    pub class: Option<BackendClass>,
    /// Why, for programs.
    pub reason: Option<Reason>,
    /// What went wrong or is waited for, in the user's words.
    pub message: Option<String>,
    /// Failures in a row.
    pub attempts: i32,
    /// When it is tried again, in microseconds since 1970; `None` for at once.
    pub retry_at: Option<i64>,
}

/// A step, and how its own listing went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepStatus {
    /// Its Synchronizer.
    pub synchronizer: String,
    /// Its name.
    pub step: String,
    /// The observed model's table.
    pub observes: String,
    /// Since when no process serves it on a server, in microseconds since 1970.
    pub unserved_since: Option<i64>,
    /// When it last came round, in microseconds since 1970.
    pub last_run: Option<i64>,
    /// Why its last listing failed.
    pub message: Option<String>,
    /// Failures in a row.
    pub attempts: i32,
}

impl StepStatus {
    /// Whether its last listing failed.
    pub fn has_failed(&self) -> bool {
        self.message.is_some() && self.attempts > 0
    }
}

/// Reads the status of all models of the registry.
///
/// # Errors
/// What the database answered.
pub async fn read(db: &Db, registry: &Registry) -> Result<Status> {
    let mut status = read::read(db, registry).await?;
    status.database = db.refuses_writes().await?;
    let mut names: BTreeSet<String> =
        registry.synchronizers().into_iter().map(str::to_owned).collect();
    names.extend(status.steps.iter().map(|step| step.synchronizer.clone()));
    names.extend(status.processes.iter().map(|process| process.synchronizer.clone()));
    let running = |name: &str| match db.engine() {
        Engine::Sqlite => db.may_run(name),
        Engine::Postgres => status.processes.iter().any(|process| process.synchronizer == name),
    };
    status.synchronizers = names
        .into_iter()
        .map(|synchronizer| SynchronizerStatus { running: running(&synchronizer), synchronizer })
        .collect();
    Ok(status)
}

impl Status {
    /// Whether a row or a step's listing has failed, or something is out of order that concerns many
    /// rows: the database takes no writes, a process cannot write or notify, a feed is down, or no
    /// process serves a step although its Synchronizer runs.
    pub fn has_failed(&self) -> bool {
        let is_down = |process: &ProcessStatus| {
            !process.troubles.is_empty() || process.feeds.iter().any(|feed| !feed.up)
        };
        let runs =
            |name: &str| self.synchronizers.iter().any(|it| it.running && it.synchronizer == name);
        let is_unserved =
            |step: &StepStatus| step.unserved_since.is_some() && runs(&step.synchronizer);
        self.count(State::Failed) > 0
            || self.database.is_some()
            || self.steps.iter().any(|step| step.has_failed() || is_unserved(step))
            || self.processes.iter().any(is_down)
    }

    /// Rows in this state, of all models.
    pub fn count(&self, state: State) -> i64 {
        self.models.iter().filter_map(|model| model.counts.get(&state)).sum()
    }

    /// Whether nothing is left to do or to wait for.
    pub fn is_settled(&self) -> bool {
        self.models
            .iter()
            .flat_map(|model| model.counts.keys())
            .all(|state| matches!(state, State::Enacted | State::Held | State::Goal))
    }
}
