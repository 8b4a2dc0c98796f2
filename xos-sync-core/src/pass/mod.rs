//! One turn after the other: which steps are due → their pending objects → in order → run →
//! stamp → report.
//!
//! Nothing here waits for all of anything: a row is asked for, run and stamped on its own, and
//! its stamp wakes the rows that waited for it. A pass is the time from the first thing to do
//! until there is nothing left; a slow row makes the pass long and delays nobody.
//!
//! **Invariants.** A row is in one hand at a time, from the question that found it until its
//! outcome is on disk. Calls never begin before the journal says so. Memory follows the rows in
//! hand: each lane holds a batch or two, whatever is pending.

mod ask;
mod call;
mod limits;
mod listing;
mod membership;
mod repair;
mod report;
mod scout;
mod stamp;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
    task::JoinSet,
};

use crate::{
    budget::{Bucket, Budget},
    db::Db,
    error::Result,
    journal::Owner,
    lane::Lane,
    model::{Micros, ModelInfo},
    pending::{By, Questions, Wake, Want},
    schedule::Round,
    sql,
    step::{Context, Observed},
    toposort::Observers,
};

pub use limits::LimitStatus;
pub use report::Report;

use ask::{Answer, Journaled};
use call::Finished;
pub(crate) use limits::Limits;
use limits::Tally;
use listing::Listed;
pub(crate) use membership::Shown;
use membership::{Membership, Renewed};
use repair::Repairs;
use stamp::{Rules, Stamped};

/// Rows whose outcome waits to be written, at the most: beyond it no call begins.
const MOST_UNSTAMPED: usize = 2048;

/// How long the framework waits before it asks or writes again what the database refused.
const AGAIN: Duration = Duration::from_secs(1);

/// What a run works with. The steps come in the order of their models' levels.
pub(crate) struct Setup<'a> {
    pub(crate) db: Db,
    pub(crate) context: Context,
    /// What the status shows of this process; empty when there is nothing.
    pub(crate) shown: Shown,
    /// How long a process may be silent, where several share the work.
    pub(crate) lease: Duration,
    /// How often the tables are compared with their bookkeeping.
    pub(crate) repair_interval: Duration,
    pub(crate) origin: Arc<str>,
    pub(crate) limits: Limits,
    /// What the steps' calls draw on.
    pub(crate) budgets: Vec<Budget>,
    pub(crate) clock: Clock,
    pub(crate) observed: Vec<Arc<dyn Observed>>,
    pub(crate) observers: &'a Observers,
    pub(crate) models: &'a [&'static ModelInfo],
    /// The fingerprint of the steps that `observers` was made from.
    pub(crate) steps: String,
    pub(crate) progress: watch::Sender<Report>,
}

/// The state of a running Synchronizer.
pub(crate) struct Passes {
    db: Db,
    context: Context,
    owner: Owner,
    membership: Membership,
    renewals: JoinSet<Renewed>,
    models: Arc<[&'static ModelInfo]>,
    limits: Limits,
    buckets: Vec<Bucket>,
    tally: Tally,
    clock: Clock,
    lanes: Vec<Lane>,
    /// Whose turn it is, where lanes wait for the same limit.
    first_lane: usize,
    tasks: JoinSet<Done>,
    /// Of all lanes: never more than the limit of calls at once.
    workers: usize,
    /// That limit keeps rows waiting.
    scarce: Arc<AtomicBool>,
    finished_sender: UnboundedSender<Finished>,
    finished_receiver: UnboundedReceiver<Finished>,
    /// Rows that have their outcome, to be written.
    finished: Vec<Finished>,
    /// Rows that have their outcome, until it is on disk.
    unstamped: Arc<AtomicUsize>,
    stamping: bool,
    /// Lines of the journal, with the rows of each that have no outcome yet.
    journal: HashMap<i64, usize>,
    stamping_rules: Arc<Rules>,
    /// The question where there are rows to look at, for all lanes together.
    scout_queries: Arc<[String]>,
    scouting: bool,
    scout_again: bool,
    repairs: Repairs,
    steps: Arc<str>,
    steps_changed: bool,
    stopping: bool,
    report: Report,
    begun: Option<Instant>,
    progress: watch::Sender<Report>,
}

/// Where the time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// Something that was begun has ended.
enum Done {
    Answered(Answer),
    /// The journal has the rows that are about to go to their step for the first time.
    Journaled(Journaled),
    /// A lane's worker found no more ready rows.
    WorkerLeft(usize),
    Stamped(Stamped),
    /// Tokens of a budget were taken, or the database refused.
    Granted {
        bucket: usize,
        tokens: u32,
        wait: Result<i64, String>,
    },
    /// Outcomes of rows that others held.
    Postponed(Vec<Finished>),
    Listed(Listed),
    /// Where there are rows to look at.
    Scouted(Result<(Vec<scout::Found>, String)>),
    /// Rows of a model whose waiting time had come are fresh again.
    Waited(&'static ModelInfo),
    /// The tables were compared: rows that were repaired.
    Repaired(usize),
    /// References among deleted rows that were dropped.
    Freed(usize),
    /// Rows of an expansion could not be made: others hold rows.
    Unexpanded,
    /// What the status shows of this process by now.
    Said(String),
    /// Housekeeping.
    Nothing,
}

impl Passes {
    /// Sets up the lanes for the steps.
    pub(crate) fn new(setup: Setup<'_>) -> Self {
        let Setup {
            db,
            context,
            shown,
            lease,
            repair_interval,
            origin,
            limits,
            budgets,
            clock,
            observed,
            observers,
            models,
            steps: fingerprint,
            progress,
        } = setup;
        // By the clock of the versions.
        let (name, now) = (context.synchronizer(), Micros::now());
        let steps = observed.into_iter().map(|observed| {
            let (model, spec) = (observed.model(), observed.spec());
            Lane::new(
                model,
                Some(observed),
                Questions::new(model, Some(spec), observers, models, name, &origin),
                now,
            )
        });
        let purges = models.iter().map(|model| {
            Lane::new(
                model,
                None,
                Questions::new(model, None, observers, models, name, &origin),
                now,
            )
        });
        let mut lanes: Vec<_> = steps.chain(purges).collect();
        let own: BTreeSet<_> =
            lanes.iter().filter(|lane| lane.observed.is_some()).map(Lane::step).collect();
        let membership =
            Membership::new(&db, origin.clone(), lease, shown, own.into_iter().collect());
        set_siblings(&mut lanes);
        let (finished_sender, finished_receiver) = unbounded_channel();
        Self {
            scout_queries: scout::queries(observers.engine, models).into(),
            scouting: false,
            scout_again: false,
            buckets: budgets.into_iter().map(Bucket::new).collect(),
            tally: Tally::new(lanes.len()),
            first_lane: 0,
            scarce: Arc::default(),
            lanes,
            stamping_rules: Arc::new(Rules::new(origin, observers, models)),
            owner: membership.owner(name),
            context: membership.fenced(&context),
            membership,
            renewals: JoinSet::new(),
            repairs: Repairs::new(models, repair_interval),
            steps: fingerprint.into(),
            steps_changed: false,
            models: models.into(),
            db,
            limits,
            clock,
            tasks: JoinSet::new(),
            workers: 0,
            finished_sender,
            finished_receiver,
            finished: Vec::new(),
            unstamped: Arc::default(),
            stamping: false,
            journal: HashMap::new(),
            stopping: false,
            report: Report { number: 1, ..Report::default() },
            begun: None,
            progress,
        }
    }

    /// Begins all that can begin now.
    pub(crate) fn turn(&mut self) {
        self.renew();
        if !self.stopping {
            self.end_waits();
            self.repair();
            self.scout();
            self.come_round();
            self.ask();
            self.start_calls();
        }
        self.stamp();
        if !self.stopping {
            self.free_circles();
        }
        if self.begun.is_none() && !self.is_idle() {
            self.begun = Some(Instant::now());
        }
    }

    /// Waits until something that was begun has ended, and takes note of all that has.
    ///
    /// Cancel safe. Never returns while nothing is under way.
    pub(crate) async fn advance(&mut self) {
        let mut finished = Vec::new();
        tokio::select! {
            Some(done) = self.tasks.join_next() => self.note(done),
            Some(Ok(renewed)) = self.renewals.join_next() => self.renewed(renewed),
            _ = self.finished_receiver.recv_many(&mut finished, MOST_UNSTAMPED) => {}
        }
        // What has ended meanwhile, before the next turn; bounded, so that turns go on.
        for _ in 0..MOST_UNSTAMPED {
            match self.tasks.try_join_next() {
                Some(done) => self.note(done),
                None => break,
            }
        }
        while finished.len() < MOST_UNSTAMPED
            && let Ok(row) = self.finished_receiver.try_recv()
        {
            finished.push(row);
        }
        finished.into_iter().for_each(|finished| self.called(finished));
        self.progress.send_if_modified(|shown| {
            let more = self.report.calls() != shown.calls() || self.report.deleted != shown.deleted;
            if more {
                shown.clone_from(&self.report);
            }
            more
        });
    }

    fn note(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(Done::Answered(answer)) => self.answered(answer),
            Ok(Done::Journaled(journaled)) => self.journaled(journaled),
            Ok(Done::WorkerLeft(lane)) => self.worker_left(lane),
            Ok(Done::Stamped(stamped)) => self.stamped(stamped),
            Ok(Done::Granted { bucket, tokens, wait }) => self.granted(bucket, tokens, wait),
            Ok(Done::Postponed(rows)) => self.postponed(rows),
            Ok(Done::Listed(listed)) => self.listed(listed),
            Ok(Done::Scouted(found)) => self.scouted(found),
            Ok(Done::Waited(model)) => self.waited(model),
            Ok(Done::Repaired(rows)) => self.repaired(rows),
            Ok(Done::Freed(references)) => self.circles_freed(references),
            Ok(Done::Said(shown)) => self.said(shown),
            Ok(Done::Unexpanded) => self.scout_again = true,
            Ok(Done::Nothing) => {}
            // Calls catch their panics, so this is a defect of the framework; its row stays in
            // hand until a restart.
            Err(error) => tracing::error!(%error, "a task of the framework failed"),
        }
    }

    /// Something may have changed anywhere.
    pub(crate) fn look_again(&mut self) {
        self.scout_again = true;
        for at in 0..self.lanes.len() {
            for row in self.lanes[at].changed() {
                self.leave_journal(row);
            }
        }
    }

    /// Rows have changed of which nobody says which: the newest come before all that waits.
    pub(crate) fn look_at_newest(&mut self) {
        self.lanes.iter_mut().for_each(Lane::wake_newest);
    }

    /// Rows of this model may have changed.
    pub(crate) fn look_again_at(&mut self, table: &str) {
        for at in 0..self.lanes.len() {
            if self.lanes[at].model.table == table {
                // A writer may have left the expansion to the Synchronizer.
                self.scout_again |= self.lanes[at].model.expansion.is_some();
                for row in self.lanes[at].changed() {
                    self.leave_journal(row);
                }
                self.lanes[at].look_again();
            }
        }
    }

    /// Just these rows may have changed: they come before what is found by looking at all.
    pub(crate) fn look_at_rows(&mut self, table: &str, ids: &[i64], uids: &[&str]) {
        let mut parts = Vec::new();
        if !ids.is_empty() {
            parts.push(format!("c.sync_id IN ({})", sql::list(ids.iter().copied())));
        }
        if !uids.is_empty() {
            parts.push(format!("c.uid IN ({})", sql::words(uids)));
        }
        let condition = format!("({})", parts.join(" OR "));
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            if lane.model.table != table {
                continue;
            }
            // Whose key is not known may be any of those that wait for their turn.
            let back = if uids.is_empty() {
                lane.take_back_where(|id| ids.contains(&id))
            } else {
                lane.changed()
            };
            for want in [Want::Sync, Want::Delete, Want::Purge] {
                lane.wake(Wake { want, by: By::Key, condition: condition.clone() });
            }
            back.into_iter().for_each(|row| self.leave_journal(row));
        }
    }

    /// Begins nothing more; what was begun goes on to its end.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        self.repairs.stop();
        for lane in 0..self.lanes.len() {
            for row in self.lanes[lane].take_back() {
                self.leave_journal(row);
            }
        }
    }

    /// Whether nothing is under way and, unless it is stopping, nothing is left to do now.
    pub(crate) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
            && self.unstamped.load(Relaxed) == 0
            && (self.stopping || self.membership.has_begun() && self.has_nothing_to_do())
    }

    fn has_nothing_to_do(&self) -> bool {
        // Other processes have all of the rows.
        self.membership.has_no_part()
            || !self.scout_again
                && !self.repairs.is_wanted()
                && self.lanes.iter().all(Lane::is_idle)
    }

    /// Whether a Synchronizer on this database has other steps by now: the order follows from
    /// them, so a run begins anew.
    pub(crate) fn has_other_steps(&self) -> bool {
        self.steps_changed
    }

    /// Whether a pass is under way that is now at its end: its report.
    pub(crate) fn finish_pass(&mut self) -> Option<Report> {
        let begun = self.begun.take()?;
        let report = Report { took: begun.elapsed(), ..std::mem::take(&mut self.report) };
        report.log();
        self.report.number = report.number + u64::from(report.did_something());
        Some(report)
    }

    /// When a waiting row, a step's interval or a resting sweep is due next.
    pub(crate) fn next_due(&self) -> (Option<Micros>, Option<Instant>) {
        let renewal = self.membership.renew_at();
        if self.stopping {
            return (None, renewal);
        }
        let now = (self.clock)();
        let retries = self.lanes.iter().filter_map(|lane| lane.retry_at);
        // A lane that waits for another's listing goes on when that one ends.
        let rounds = self
            .lanes
            .iter()
            .enumerate()
            .filter(|(_, lane)| !lane.listing && self.membership.lists(lane.step()));
        let rounds = rounds.filter_map(|(at, lane)| {
            let due = lane.round.due(lane.observed.as_ref()?.spec().interval, now);
            (due > now || !self.waits_for_listing(at, now)).then_some(due)
        });
        let rests = self.lanes.iter().filter_map(Lane::rest_until);
        let instants = rests.chain(renewal).chain(self.next_token()).chain(self.repairs.due());
        (retries.chain(rounds).min(), instants.min())
    }

    /// Every step comes round now.
    pub(crate) fn all_come_round(&mut self) {
        self.repairs.requested = true;
        for lane in &mut self.lanes {
            lane.round = Round::default();
            lane.round_again = lane.listing;
        }
    }

    /// The lanes' steps with their rounds, to read them from the database.
    pub(crate) fn rounds_mut(&mut self) -> impl Iterator<Item = (&Arc<dyn Observed>, &mut Round)> {
        self.lanes.iter_mut().filter_map(|lane| Some((lane.observed.as_ref()?, &mut lane.round)))
    }
}

/// Tells each lane which others have the same model.
fn set_siblings(lanes: &mut [Lane]) {
    let models: Vec<_> = lanes.iter().map(|lane| lane.model).collect();
    for (at, lane) in lanes.iter_mut().enumerate() {
        let same = models
            .iter()
            .enumerate()
            .filter(|(other, model)| *other != at && **model == lane.model);
        lane.siblings = same.map(|(other, _)| other).collect();
    }
}
