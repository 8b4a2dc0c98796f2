//! PURE: what is known of one observed model while a run goes on: what to ask next, which rows
//! are ready, which are in hand.
//!
//! A lane belongs to one step and one model that it observes. Each model has one lane more,
//! without a step, which removes deleted rows of which no backend holds anything.

mod pace;
mod ready;
mod sweep;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    members::{REMOVAL, Served},
    model::{Micros, ModelInfo},
    pending::{BATCH, By, Question, Questions, Rows, Wake, Want},
    schedule::Round,
    step::Observed,
};

use pace::Pace;
use ready::FAVOURED;
pub(crate) use ready::{Place, ReadyRow, ReadyRows};
use sweep::Sweep;

/// Wake-ups kept at the most; beyond that the whole model is swept instead.
const MOST_WAKES: usize = 64;

/// Rows ready at the most: beyond it, who names rows does not get them before others.
const MOST_READY: usize = 2 * BATCH;

/// Rows that somebody named are asked for together, until the condition is this long.
const LONGEST_CONDITION: usize = 4096;

pub(crate) struct Lane {
    pub(crate) model: &'static ModelInfo,
    /// The tables that the model references, also by way of others; not its own.
    pub(crate) ancestors: BTreeSet<&'static str>,
    /// The places of the other lanes of the same model.
    pub(crate) siblings: Vec<usize>,
    pub(crate) observed: Option<Arc<dyn Observed>>,
    pub(crate) questions: Arc<Questions>,
    sweeps: Vec<Sweep>,
    woken: VecDeque<Wake>,
    /// Rows that somebody has just changed: they come before all that is found by looking.
    changed: VecDeque<Wake>,
    /// Questions for them since one for others.
    changed_asked: u32,
    /// The last question was a wake-up's.
    woke_last: bool,
    /// A question is out.
    asking: bool,
    pub(crate) ready: Arc<ReadyRows>,
    /// Rows on their way to each [`Place`] of `ready`, while the journal is being written.
    pub(crate) journaling: [usize; 2],
    in_hand: HashMap<i64, InHand>,
    /// Grows each time that somebody may have changed something.
    generation: u64,
    pace: Pace,
    /// Rows that were settled since the question that is out was asked, with their version:
    /// its answer may still show them as they were.
    settled_meanwhile: HashMap<i64, i64>,
    /// Tasks that hand ready rows to the step, one at a time each.
    pub(crate) workers: usize,
    pub(crate) round: Round,
    pub(crate) listing: bool,
    /// Another round was asked for while the step lists its backend.
    pub(crate) round_again: bool,
    pub(crate) retry_at: Option<Micros>,
}

#[derive(Debug)]
struct InHand {
    updated: i64,
    /// It was seen again with another version, or by another lane: look once more.
    again: bool,
    /// The lane's, when it was taken.
    generation: u64,
}

impl Lane {
    pub(crate) fn new(
        model: &'static ModelInfo,
        observed: Option<Arc<dyn Observed>>,
        questions: Questions,
        now: Micros,
    ) -> Self {
        let wants: &[Want] =
            if observed.is_some() { &[Want::Sync, Want::Delete] } else { &[Want::Purge] };
        let pace = Pace::new(observed.as_ref().map_or(BATCH, |o| 2 * o.spec().concurrency));
        Self {
            model,
            ancestors: ancestors(model),
            siblings: Vec::new(),
            observed,
            questions: Arc::new(questions),
            sweeps: wants.iter().map(|want| Sweep::new(*want, now)).collect(),
            woken: VecDeque::new(),
            changed: VecDeque::new(),
            changed_asked: 0,
            woke_last: false,
            asking: false,
            ready: Arc::default(),
            journaling: [0; 2],
            in_hand: HashMap::new(),
            generation: 0,
            pace,
            settled_meanwhile: HashMap::new(),
            workers: 0,
            round: Round::default(),
            listing: false,
            round_again: false,
            retry_at: None,
        }
    }

    /// The name of its step; that of the removal where it has none.
    pub(crate) fn step(&self) -> Served {
        let served =
            |observed: &Arc<dyn Observed>| Served::new(observed.spec().name, observed.model());
        self.observed.as_ref().map_or(REMOVAL, served)
    }

    /// Rows to read at once: about as many as are handed to the step in a moment, so that what
    /// was read does not grow old.
    pub(crate) fn batch_size(&self) -> usize {
        self.pace.size
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.observed.as_ref().map_or(0, |observed| observed.spec().concurrency)
    }

    /// Whether the step is to list its backend now.
    pub(crate) fn listing_is_due(&self, now: Micros) -> bool {
        let Some(observed) = &self.observed else { return false };
        !self.listing && self.round.due(observed.spec().interval, now) <= now
    }

    /// Somebody may have changed something: rows that are in hand are looked at again when they
    /// are settled, and where calls take their time, rows that wait for their turn are read
    /// anew. These are given back.
    pub(crate) fn changed(&mut self) -> Vec<ReadyRow> {
        self.generation += 1;
        if self.batch_size() < BATCH { self.take_back() } else { Vec::new() }
    }

    /// All rows are looked at again.
    pub(crate) fn look_again(&mut self) {
        self.sweeps.iter_mut().for_each(|sweep| sweep.dirty = true);
    }

    pub(crate) fn look_again_for(&mut self, want: Want) {
        self.sweeps
            .iter_mut()
            .filter(|sweep| sweep.want == want)
            .for_each(|sweep| sweep.dirty = true);
    }

    /// Somebody changed rows and it is not known which: the newest come before all that is
    /// waiting, if anything is.
    pub(crate) fn wake_newest(&mut self) {
        if self.observed.is_none() || self.in_hand.is_empty() {
            return;
        }
        for want in [Want::Sync, Want::Delete] {
            self.wake(Wake { want, by: By::Newest, condition: String::new() });
        }
    }

    /// Some rows may have become ready.
    pub(crate) fn wake(&mut self, wake: Wake) {
        if !self.sweeps.iter().any(|sweep| sweep.want == wake.want) {
            return;
        }
        let queue = match wake.by {
            By::Key | By::Newest => &mut self.changed,
            By::Reference(_) => &mut self.woken,
        };
        let same = queue.iter_mut().find(|before| {
            (before.want, before.by) == (wake.want, wake.by)
                && before.condition.len() < LONGEST_CONDITION
        });
        match (wake.by, same) {
            (By::Newest, Some(_)) => return,
            (By::Key, Some(before)) => {
                before.condition = format!("{} OR {}", before.condition, wake.condition);
                return;
            }
            _ => {}
        }
        if queue.len() >= MOST_WAKES {
            let wants: Vec<_> = queue.drain(..).map(|wake| wake.want).chain([wake.want]).collect();
            wants.into_iter().for_each(|want| self.look_again_for(want));
        } else {
            queue.push_back(wake);
        }
    }

    /// The next question, if one is worth asking now. Its answer must come by
    /// [`Lane::answered`] or [`Lane::unanswered`].
    pub(crate) fn next_question(&mut self, now: Instant) -> Option<Question> {
        if self.asking {
            return None;
        }
        if self.ready.len() + self.journaling.iter().sum::<usize>() > MOST_READY {
            let wants: Vec<_> = self.changed.drain(..).map(|wake| wake.want).collect();
            wants.into_iter().for_each(|want| self.look_again_for(want));
        }
        let waiting = self.ready.found() + self.journaling[Place::Rest as usize];
        let others_turn = self.changed_asked >= FAVOURED && waiting <= self.pace.size / 2;
        self.changed_asked = if others_turn { 0 } else { self.changed_asked };
        if !others_turn && let Some(wake) = self.changed.pop_front() {
            self.changed_asked += 1;
            self.asking = true;
            self.settled_meanwhile.clear();
            return Some(Question::Woken(wake));
        }
        if waiting > self.pace.size / 2 {
            return None;
        }
        self.pace.asks(now);
        // In turn, so that neither keeps the other waiting for long.
        let question = if self.woke_last {
            self.next_of_sweep(now).or_else(|| self.next_wake(now))
        } else {
            self.next_wake(now).or_else(|| self.next_of_sweep(now))
        }
        .or_else(|| self.changed.pop_front().map(Question::Woken))?;
        self.woke_last = matches!(question, Question::Woken(_));
        self.asking = true;
        self.settled_meanwhile.clear();
        Some(question)
    }

    /// The next wake-up that no sweep is about to cover.
    fn next_wake(&mut self, now: Instant) -> Option<Question> {
        let covered: Vec<_> =
            self.sweeps.iter().filter(|sweep| sweep.begins(now)).map(|sweep| sweep.want).collect();
        self.woken.retain(|wake| !covered.contains(&wake.want));
        self.woken.pop_front().map(Question::Woken)
    }

    fn next_of_sweep(&mut self, now: Instant) -> Option<Question> {
        let at = self.sweeps.iter().position(|sweep| sweep.goes_on(now))?;
        let question = self.sweeps[at].next_question();
        // The other sweeps have their turn before this one's next batch.
        self.sweeps.rotate_left(at + 1);
        Some(question)
    }

    /// Takes note of an answer: which keys were seen, up to which, and how long it took.
    pub(crate) fn answered(
        &mut self,
        question: &Question,
        last: Option<i64>,
        full: bool,
        took: Duration,
        now: Instant,
    ) {
        self.asking = false;
        if full {
            self.pace.answered(now);
        }
        let want = question.want();
        let Some(sweep) = self.sweeps.iter_mut().find(|sweep| sweep.want == want) else { return };
        match question {
            // More than one batch: the sweep pages better than this question does.
            Question::Woken(_) => sweep.dirty |= full,
            Question::Next { .. } => sweep.answered(last.filter(|_| full), took, now),
        }
    }

    /// Leaves, of the rows that were changed last, those that this is news of: the sweep that
    /// follows finds the others.
    pub(crate) fn keep_news(&mut self, want: Want, rows: &mut Rows) {
        for sweep in self.sweeps.iter_mut().filter(|sweep| sweep.want == want) {
            sweep.keep_news(rows);
        }
    }

    /// The question could not be asked: it is asked again.
    pub(crate) fn unanswered(&mut self, question: &Question) {
        self.asking = false;
        let want = question.want();
        self.sweeps.iter_mut().filter(|sweep| sweep.want == want).for_each(Sweep::begin_anew);
    }

    /// The database did not answer: no question before this moment.
    pub(crate) fn rest_until_at_least(&mut self, moment: Instant) {
        self.sweeps.iter_mut().for_each(|sweep| sweep.rest_until = Some(moment));
    }

    /// Takes a row in hand, unless it is already, or was until a moment ago.
    pub(crate) fn take(&mut self, id: i64, updated: i64) -> bool {
        if self.settled_meanwhile.get(&id).is_some_and(|settled| updated <= *settled) {
            return false;
        }
        match self.in_hand.get_mut(&id) {
            Some(in_hand) => {
                in_hand.again |= in_hand.updated != updated;
                false
            }
            None => {
                self.in_hand
                    .insert(id, InHand { updated, again: false, generation: self.generation });
                true
            }
        }
    }

    /// Another lane wants this row: whether it must wait. It looks again when this lane is done.
    pub(crate) fn is_wanted_elsewhere(&mut self, id: i64) -> bool {
        let in_hand = self.in_hand.get_mut(&id);
        in_hand.map(|in_hand| in_hand.again = true).is_some()
    }

    /// How many workers are worth starting.
    pub(crate) fn workers_wanted(&self) -> usize {
        self.ready.len().min(self.concurrency().saturating_sub(self.workers))
    }

    /// The row's outcome is on disk; whether its model's lanes are to look again, because it
    /// was wanted or may have been changed meanwhile.
    pub(crate) fn settled(&mut self, id: i64, read: i64) -> bool {
        if self.asking {
            self.settled_meanwhile.insert(id, read);
        }
        let Some(in_hand) = self.in_hand.remove(&id) else { return false };
        in_hand.again || in_hand.generation != self.generation
    }

    /// The row was not handed to the step after all.
    pub(crate) fn give_back(&mut self, id: i64) {
        self.in_hand.remove(&id);
    }

    /// Takes back the rows that were not handed to the step yet.
    pub(crate) fn take_back(&mut self) -> Vec<ReadyRow> {
        let (first, rest) = self.ready.drain();
        let oldest = first.iter().map(|ready| ready.row.updated()).min();
        let least = rest.iter().map(|ready| ready.row.id()).min();
        for sweep in &mut self.sweeps {
            sweep.given_back(oldest, least);
        }
        let rows: Vec<_> = first.into_iter().chain(rest).collect();
        if !rows.is_empty() {
            self.look_again();
        }
        rows.iter().for_each(|ready| self.give_back(ready.row.id()));
        rows
    }

    /// Takes back those of these rows that were not handed to the step yet: they are read anew.
    pub(crate) fn take_back_where(&mut self, which: impl Fn(i64) -> bool) -> Vec<ReadyRow> {
        let rows = self.ready.remove(which);
        rows.iter().for_each(|ready| self.give_back(ready.row.id()));
        rows
    }

    pub(crate) fn ids_in_hand(&self) -> impl Iterator<Item = i64> {
        self.in_hand.keys().copied()
    }

    /// Whether there is nothing to do, to wait for or to ask.
    pub(crate) fn is_idle(&self) -> bool {
        !self.asking
            && !self.listing
            && self.in_hand.is_empty()
            && self.woken.is_empty()
            && self.changed.is_empty()
            && self.sweeps.iter().all(Sweep::is_over)
    }

    /// When a resting sweep may go on.
    pub(crate) fn rest_until(&self) -> Option<Instant> {
        self.sweeps.iter().filter_map(Sweep::rests_until).min()
    }
}

/// All tables that can be reached by references; in a circle of models each is only its own.
fn ancestors(model: &'static ModelInfo) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![model];
    while let Some(at) = open.pop() {
        for reference in at.references {
            let target = (reference.target)();
            if reached.insert(target.table) {
                open.push(target);
            }
        }
    }
    if reached.contains(model.table) { BTreeSet::new() } else { reached }
}

#[cfg(test)]
mod tests;
