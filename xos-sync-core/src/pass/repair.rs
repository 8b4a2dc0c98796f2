//! The repair of what triggers did not see, from time to time and at a resync, by the process
//! that makes the listings.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{AGAIN, Done, Passes};
use crate::{
    db::Db,
    dmdot::Graph,
    error::Result,
    model::ModelInfo,
    pending::Want,
    repair::{self, Progress},
};

/// The first repair comes this long after the start at the latest.
const FIRST: Duration = Duration::from_secs(30);

/// How long writers have the database for themselves between two parts of a repair.
const PAUSE: Duration = Duration::from_millis(20);

/// When the tables are compared next.
pub(super) struct Repairs {
    /// The time from the end of a repair to the next one.
    interval: Duration,
    /// `None` where a run ends by itself.
    due: Option<Instant>,
    /// A resync was asked for.
    pub(super) requested: bool,
    running: bool,
    /// The models of whose rows some may reference each other in a circle.
    circular: Arc<[&'static ModelInfo]>,
    /// Deleted rows may keep each other by now.
    circles_wanted: bool,
    freeing: bool,
    stopping: Arc<AtomicBool>,
}

impl Repairs {
    pub(super) fn new(models: &[&'static ModelInfo], interval: Duration) -> Self {
        let circular = Graph::of(models.iter().copied()).circular();
        Self {
            interval,
            due: None,
            requested: false,
            running: false,
            circles_wanted: !circular.is_empty(),
            circular: circular.into(),
            freeing: false,
            stopping: Arc::default(),
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.running)
    }

    /// Rows of this table are deleted, or gone.
    pub(super) fn rows_go(&mut self, table: &str) {
        self.circles_wanted |= self.circular.iter().any(|model| model.table == table);
    }

    /// Whether something was asked for that has not begun.
    pub(super) fn is_wanted(&self) -> bool {
        self.requested || self.circles_wanted
    }

    /// Ends a repair that is under way.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Relaxed);
    }
}

impl Passes {
    /// Repairs come from time to time, from now on.
    pub(crate) fn repair_regularly(&mut self) {
        self.repairs.due = Some(Instant::now() + FIRST.min(self.repairs.interval));
    }

    /// Begins a repair when one is due or was asked for.
    pub(super) fn repair(&mut self) {
        let due = self.repairs.due().is_some_and(|due| due <= Instant::now());
        // Until this process has joined the others, it is not known which of them repairs.
        let wanted = (due || self.repairs.requested) && self.membership.has_begun();
        if self.repairs.running || !wanted {
            return;
        }
        if !self.membership.repairs() {
            // Another process does it, or this one in its place later.
            self.repairs.due = self.repairs.due.map(|_| Instant::now() + FIRST);
            self.repairs.requested = false;
            return;
        }
        (self.repairs.running, self.repairs.requested) = (true, false);
        let (db, models) = (self.db.clone(), self.models.clone());
        let stopping = self.repairs.stopping.clone();
        self.tasks.spawn(async move { Done::Repaired(repair_all(&db, &models, &stopping).await) });
    }

    pub(super) fn repaired(&mut self, rows: usize) {
        self.repairs.running = false;
        self.repairs.due = self.repairs.due.map(|_| Instant::now() + self.repairs.interval);
        if rows > 0 {
            tracing::info!(rows, "repaired the bookkeeping of rows that changed without triggers");
            self.look_again();
        }
    }

    /// Lets deleted rows go that keep each other, once there is nothing else to do.
    pub(super) fn free_circles(&mut self) {
        let wanted = self.repairs.circles_wanted && self.membership.has_begun();
        if !wanted || self.repairs.freeing || !self.tasks.is_empty() {
            return;
        }
        self.repairs.circles_wanted = false;
        if !self.membership.repairs() {
            return;
        }
        self.repairs.freeing = true;
        let (db, models, circular) =
            (self.db.clone(), self.models.clone(), self.repairs.circular.clone());
        self.tasks.spawn(async move {
            let (models, asked) = (models.clone(), circular.clone());
            let free = match db.run(move |conn| repair::has_kept_rows(conn, &asked)).await {
                Ok(true) => {
                    db.write_quietly(move |conn| repair::free_circles(conn, &circular, &models))
                        .await
                }
                Ok(false) => Ok(0),
                Err(error) => Err(error),
            };
            Done::Freed(free.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot look for circles of deleted rows");
                0
            }))
        });
    }

    /// Makes the rows of an expansion that a writer had to leave.
    pub(super) fn expand(&mut self, table: &str) {
        let Some(model) = self.models.iter().copied().find(|model| model.table == table) else {
            return;
        };
        if !self.membership.repairs() {
            return;
        }
        let db = self.db.clone();
        self.tasks.spawn(async move {
            let expand = db.write_quietly(move |conn| repair::expand_left(conn, model)).await;
            if let Err(error) = expand {
                tracing::warn!(model = model.name, %error, "cannot expand; trying again");
                tokio::time::sleep(AGAIN).await;
                return Done::Unexpanded;
            }
            Done::Nothing
        });
    }

    pub(super) fn circles_freed(&mut self, references: usize) {
        self.repairs.freeing = false;
        if references > 0 {
            for lane in &mut self.lanes {
                lane.look_again_for(Want::Delete);
                lane.look_again_for(Want::Purge);
            }
        }
    }
}

async fn repair_all(db: &Db, models: &Arc<[&'static ModelInfo]>, stopping: &AtomicBool) -> usize {
    let mut rows = 0;
    let all = models.clone();
    if let Err(error) = db.write_quietly(move |conn| repair::forget_former(conn, &all)).await {
        tracing::warn!(%error, "cannot forget references that keep nothing any more");
    }
    for model in models.iter().copied() {
        match repair_one(db, model, stopping).await {
            Ok(repaired) => rows += repaired,
            Err(error) => tracing::warn!(model = model.name, %error, "cannot compare its tables"),
        }
    }
    rows
}

async fn repair_one(db: &Db, model: &'static ModelInfo, stopping: &AtomicBool) -> Result<usize> {
    let mut rows = db.write_quietly(move |conn| repair::expand(conn, model)).await?;
    let mut next = Some(Progress::default());
    while let Some(at) = next.filter(|_| !stopping.load(Relaxed)) {
        let part = db.write_quietly(move |conn| repair::compare(conn, model, at)).await?;
        rows += part.rows;
        next = part.next;
        if next.is_some() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(rows)
}
