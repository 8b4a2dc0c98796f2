//! The part of a Synchronizer's work that is this process's, where several share it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{LimitStatus, Passes, call::Finished};
use crate::{
    db::{Db, Engine},
    error::Result,
    journal::{self, Owner},
    members::{self, Joins, Lease, Part, REMOVAL, Renewal, Served, Standing},
    roll,
    shard::{self, Shards},
    step::{Context, Fence},
};

/// Renewals in the time of a lease: two may be lost.
const RENEWALS: u32 = 4;

/// How long a process waits before it asks again for what it was refused.
const AGAIN: Duration = Duration::from_millis(500);

/// Which rows are this process's, and until when.
pub(super) struct Membership {
    pub(super) lease: Arc<Lease>,
    lasts: Duration,
    /// Who this is; its member's name has the epoch at its end.
    origin: Arc<str>,
    /// Grows each time that the process was struck out. What was begun before is not stamped.
    pub(super) epoch: u32,
    joins: Joins,
    /// By step: the shards that it owns, and those that it is to own. Empty where the process is
    /// alone.
    parts: BTreeMap<Served, Part>,
    /// Its program's steps.
    steps: Vec<Served>,
    renewing: bool,
    /// Something has changed since the renewal that is under way was sent.
    asked_meanwhile: bool,
    /// When it renews its lease, or says something of itself; `None` when it has nothing to say.
    renew_at: Option<Instant>,
    kind: Kind,
    /// What the status shows of this process.
    shown: Shown,
    said: String,
}

/// What a process says of itself, as JSON.
pub(crate) type Shown = Arc<dyn Fn(&[LimitStatus]) -> String + Send + Sync>;

/// Whether there is anybody to share with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Alone,
    Shared,
}

/// A renewal that has ended.
pub(super) struct Renewed {
    begun: Instant,
    epoch: u32,
    standing: Result<Standing>,
    /// When the listings came to this process: how the steps' rounds stand.
    rounds: Vec<roll::Entry>,
}

impl Membership {
    pub(super) fn new(
        db: &Db,
        origin: Arc<str>,
        lasts: Duration,
        shown: Shown,
        steps: Vec<Served>,
    ) -> Self {
        let (kind, lease) = match db.engine() {
            Engine::Sqlite => (Kind::Alone, Lease::forever()),
            Engine::Postgres => (Kind::Shared, Lease::none()),
        };
        Self {
            lease: Arc::new(lease),
            lasts,
            origin,
            epoch: 0,
            joins: Joins::Now,
            parts: BTreeMap::new(),
            steps,
            renewing: false,
            asked_meanwhile: false,
            renew_at: (kind == Kind::Shared || !shown(&[]).is_empty()).then(Instant::now),
            kind,
            shown,
            said: String::new(),
        }
    }

    /// Whose name stands in the journal.
    pub(super) fn owner(&self, synchronizer: &'static str) -> Owner {
        let member = match self.kind {
            Kind::Alone => String::new(),
            Kind::Shared => format!("{}.{}", self.origin, self.epoch),
        };
        Owner { synchronizer, member }
    }

    /// The shards of whose rows this process calls the step; [`REMOVAL`] is one. Shards that are
    /// to be given away are left alone.
    pub(super) fn shards(&self, step: Served) -> Shards {
        match self.kind {
            Kind::Alone => Shards::ALL,
            Kind::Shared => self
                .parts
                .get(&step)
                .map_or(Shards::NONE, |part| part.owned.without(part.owned.without(part.share))),
        }
    }

    /// Whether this process has no part of the work.
    pub(super) fn has_no_part(&self) -> bool {
        self.kind == Kind::Shared && self.parts.keys().all(|step| self.shards(*step).is_empty())
    }

    /// Whether the step's listing is made here.
    pub(super) fn lists(&self, step: Served) -> bool {
        self.shards(step).contains(shard::LISTINGS)
    }

    /// Whether the tables are compared here.
    pub(super) fn repairs(&self) -> bool {
        self.lists(REMOVAL)
    }

    /// Whether it is known yet what there is to do.
    pub(super) fn has_begun(&self) -> bool {
        self.kind == Kind::Alone || self.joins == Joins::Before
    }

    /// When the lease is to be renewed.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        self.renew_at.filter(|_| !self.renewing)
    }

    /// Who must still be a member when a stamp is written; `None` where nobody else is.
    pub(super) fn fence(&self, synchronizer: &'static str) -> Option<Owner> {
        (self.kind == Kind::Shared).then(|| self.owner(synchronizer))
    }

    /// There is something to tell the status, at the next opportunity.
    pub(super) fn has_news(&mut self, now: Instant) {
        self.renew_at.get_or_insert(now + self.lasts / RENEWALS);
    }

    /// For calls that begin now: what they save, they save only as long as this process may.
    pub(super) fn fenced(&self, context: &Context) -> Context {
        let fence = self
            .fence(context.synchronizer())
            .map(|owner| -> Fence { Arc::new(move |conn| journal::may_write(conn, &owner)) });
        context.clone().fenced(fence)
    }

    /// Somebody came, left, or gave something away.
    pub(super) fn renew_now(&mut self) {
        self.renew_at = Some(Instant::now());
        self.asked_meanwhile = self.renewing;
    }
}

impl Passes {
    /// Renews the lease when it is time to.
    pub(super) fn renew(&mut self) {
        let now = Instant::now();
        if self.membership.renew_at().is_none_or(|at| at > now) {
            return;
        }
        if self.membership.kind == Kind::Alone {
            return self.say(now);
        }
        self.membership.renewing = true;
        let limits = self.binding_limits(now);
        let renewal = Renewal {
            owner: self.owner.clone(),
            lease: self.membership.lasts,
            joins: self.membership.joins,
            steps: self.membership.steps.clone(),
            busy: self.busy_shards(),
            shown: (self.membership.shown)(&limits),
        };
        let (db, models, epoch) = (self.db.clone(), self.models.clone(), self.membership.epoch);
        let steps = self.membership.steps.iter().copied();
        let listed: Vec<_> = steps.filter(|step| self.membership.lists(*step)).collect();
        let (lease, lasts) = (self.membership.lease.clone(), self.membership.lasts);
        self.renewals.spawn(async move {
            // Before all else, and for itself: what others hold up must not cost the lease.
            let first = renewal.clone();
            match db.write_quietly(move |conn| members::extend(conn, &first)).await {
                Ok(true) => lease.renewed(now, lasts),
                Ok(false) => {
                    let standing = Ok(Standing::StruckOut);
                    return Renewed { begun: now, epoch, standing, rounds: Vec::new() };
                }
                Err(error) => {
                    let standing = Err(error);
                    return Renewed { begun: now, epoch, standing, rounds: Vec::new() };
                }
            }
            let write = move |conn: &mut crate::db::AnyConnection| {
                let standing = members::renew(conn, &renewal, &models)?;
                let new = |(step, part): (&Served, &Part)| {
                    let both = [part.owned, part.share];
                    both.iter().all(|shards| shards.contains(shard::LISTINGS))
                        && !listed.contains(step)
                };
                let lists =
                    matches!(&standing, Standing::Member { parts, .. } if parts.iter().any(new));
                let rounds = if lists { roll::all(conn)? } else { Vec::new() };
                Ok((standing, rounds))
            };
            let (standing, rounds) = match db.write_quietly(write).await {
                Ok((standing, rounds)) => (Ok(standing), rounds),
                Err(error) => (Err(error), Vec::new()),
            };
            Renewed { begun: now, epoch, standing, rounds }
        });
    }

    /// Tells the status what has changed, where nobody else is at work.
    fn say(&mut self, now: Instant) {
        let limits = self.binding_limits(now);
        let shown = (self.membership.shown)(&limits);
        let goes_on = !shown.is_empty() || self.tally.has_news();
        self.membership.renew_at = goes_on.then(|| now + self.membership.lasts / RENEWALS);
        if shown == self.membership.said {
            return;
        }
        let (db, name) = (self.db.clone(), self.context.synchronizer());
        self.tasks.spawn(async move {
            let text = shown.clone();
            match db.write_quietly(move |conn| members::say(conn, name, &text)).await {
                Ok(()) => super::Done::Said(shown),
                // It is said again at the next opportunity.
                Err(_) => super::Done::Nothing,
            }
        });
    }

    pub(super) fn said(&mut self, shown: String) {
        self.membership.said = shown;
    }

    pub(super) fn renewed(&mut self, renewed: Renewed) {
        self.membership.renewing = false;
        let asked_meanwhile = std::mem::take(&mut self.membership.asked_meanwhile);
        let wait = if asked_meanwhile { Duration::ZERO } else { self.membership.lasts / RENEWALS };
        self.membership.renew_at = Some(Instant::now() + wait);
        if renewed.epoch != self.membership.epoch {
            return self.membership.renew_now();
        }
        match renewed.standing {
            Ok(Standing::Member { parts, members }) => {
                self.membership.lease.renewed(renewed.begun, self.membership.lasts);
                self.take_rounds(&renewed.rounds, &parts);
                self.own(parts, members);
            }
            Ok(Standing::StruckOut) => self.struck_out(),
            Err(error) => {
                tracing::warn!(%error, "cannot renew the lease of this process; trying again");
                self.report.trouble = Some(error.to_string());
                self.membership.renew_at = Some(Instant::now() + AGAIN);
            }
        }
    }

    fn own(&mut self, parts: BTreeMap<Served, Part>, members: usize) {
        let first = self.membership.joins == Joins::Now;
        self.membership.joins = Joins::Before;
        let before = std::mem::replace(&mut self.membership.parts, parts);
        if first || before != self.membership.parts {
            let shards = self.membership.shards(REMOVAL).iter().count();
            tracing::info!(members, shards, "this process's part of the work");
        }
        let repaired =
            before.get(&REMOVAL).is_some_and(|part| part.owned.contains(shard::LISTINGS));
        // Whoever repaired before may have left something.
        self.scout_again |= self.membership.repairs() && !repaired;
        for lane in &mut self.lanes {
            let was = before.get(&lane.step()).copied().unwrap_or_default();
            let was = was.owned.without(was.owned.without(was.share));
            if !self.membership.shards(lane.step()).without(was).is_empty() {
                lane.look_again();
            }
        }
        self.give_back_rows();
        if self.membership.parts.values().any(|part| !part.owned.without(part.share).is_empty()) {
            // To be given away as soon as none of their rows is in flight.
            self.membership.renew_at = Some(Instant::now() + AGAIN);
        }
    }

    /// Rows that are not this process's any more, and were not handed to a step yet.
    fn give_back_rows(&mut self) {
        for at in 0..self.lanes.len() {
            let shards = self.membership.shards(self.lanes[at].step());
            for row in self.lanes[at].take_back_where(|id| !shards.have(id)) {
                self.leave_journal(row);
            }
        }
    }

    /// Another process holds what this one held: it begins anew, and what it has in hand is not
    /// stamped.
    pub(super) fn struck_out(&mut self) {
        tracing::warn!(
            "the lease of this process was over, and others have its rows: joining anew"
        );
        members::ended(&self.owner);
        let membership = &mut self.membership;
        membership.lease.give_up();
        membership.epoch += 1;
        membership.joins = Joins::Now;
        membership.parts.clear();
        membership.renew_now();
        self.owner = self.membership.owner(self.context.synchronizer());
        self.context = self.membership.fenced(&self.context);
        self.journal.clear();
        self.give_back_rows();
    }

    /// Somebody came, left, or gave something away.
    pub(crate) fn members_changed(&mut self) {
        if self.membership.kind == Kind::Shared {
            self.membership.renew_now();
        }
    }

    /// By step: shards with rows in flight. Rows of the process's share may be taken until the
    /// renewal is answered.
    fn busy_shards(&self) -> BTreeMap<Served, Shards> {
        let mut busy: BTreeMap<Served, Shards> = BTreeMap::new();
        for lane in &self.lanes {
            let listing = lane.listing.then_some(shard::LISTINGS);
            let in_flight = lane.ids_in_hand().map(shard::of_row);
            let own: Shards = listing.into_iter().chain(in_flight).collect();
            let all = busy.entry(lane.step()).or_insert(self.membership.shards(lane.step()));
            *all = all.and(own);
        }
        busy
    }

    /// Listings are this process's now: each step is due when it is due for all.
    fn take_rounds(&mut self, entries: &[roll::Entry], parts: &BTreeMap<Served, Part>) {
        let name = self.context.synchronizer();
        let new: Vec<_> = parts
            .iter()
            .filter(|(step, part)| {
                !self.membership.lists(**step)
                    && part.owned.contains(shard::LISTINGS)
                    && part.share.contains(shard::LISTINGS)
            })
            .map(|(step, _)| *step)
            .collect();
        for (observed, round) in self.rounds_mut() {
            let entry = entries
                .iter()
                .find(|entry| entry.is_of(name, observed.spec().name, observed.model().table))
                .filter(|_| new.contains(&Served::new(observed.spec().name, observed.model())));
            if let Some(entry) = entry {
                *round = entry.round();
            }
        }
    }

    /// Gives everything away that this process holds. Nothing may be in hand.
    pub(crate) async fn leave(&mut self) {
        if self.membership.kind == Kind::Alone {
            let name = self.context.synchronizer();
            if !self.membership.said.is_empty() {
                let _ = self.db.write_quietly(move |conn| members::say(conn, name, "")).await;
            }
            return;
        }
        if !self.membership.has_begun() {
            return;
        }
        self.renewals.shutdown().await;
        let owner = self.owner.clone();
        if let Err(error) = self.db.write_quietly(move |conn| members::leave(conn, &owner)).await {
            tracing::warn!(%error, "cannot say that this process leaves; its lease ends by itself");
        }
        self.membership.joins = Joins::Now;
    }

    /// A call that began before this process was struck out has ended: its outcome is not its
    /// own to write.
    pub(super) fn is_stale(&self, finished: &Finished) -> bool {
        finished.epoch != self.membership.epoch
    }
}

impl Drop for Passes {
    fn drop(&mut self) {
        members::ended(&self.owner);
    }
}
