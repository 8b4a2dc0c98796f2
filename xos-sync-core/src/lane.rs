//! PURE: what is known of one observed model while a run goes on: what to ask next, which rows
//! are ready, which are in hand.
//!
//! A lane belongs to one step and one model that it observes. Each model has one lane more,
//! without a step, which removes deleted rows of which no backend holds anything.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    model::{Micros, ModelInfo},
    pending::{BATCH, Question, Questions, Wake, Want},
    schedule::Round,
    step::{Call, Observed, Row},
};

/// Wake-ups kept at the most; beyond that the whole model is swept instead.
const MOST_WAKES: usize = 64;

/// A sweep may take up to one part in this many of the time: where many rows are blocked,
/// looking at all of them again and again would cost more than it finds.
const SWEEP_SHARE: u32 = 4;

pub(crate) struct Lane {
    pub(crate) model: &'static ModelInfo,
    pub(crate) observed: Option<Arc<dyn Observed>>,
    pub(crate) questions: Arc<Questions>,
    sweeps: Vec<Sweep>,
    woken: VecDeque<Wake>,
    /// A question is out.
    asking: bool,
    ready: VecDeque<ReadyRow>,
    in_hand: HashMap<i64, InHand>,
    /// Calls that are running.
    pub(crate) running: usize,
    pub(crate) round: Round,
    pub(crate) listing: bool,
    pub(crate) retry_at: Option<Micros>,
}

/// Going through all rows that are wanted for one thing, in the order of their keys.
#[derive(Debug)]
struct Sweep {
    want: Want,
    /// Something may have changed since the last one began.
    dirty: bool,
    /// The last key seen, while one is under way.
    after: Option<i64>,
    spent: Duration,
    rest_until: Option<Instant>,
}

/// A row that is ready, and the line of the journal that it stands in.
pub(crate) struct ReadyRow {
    pub(crate) row: Box<dyn Row>,
    pub(crate) call: Call,
    pub(crate) journal: Option<i64>,
}

#[derive(Debug)]
struct InHand {
    updated: i64,
    /// It was seen again with another version, or for another purpose: look once more.
    again: bool,
}

impl Lane {
    pub(crate) fn new(
        model: &'static ModelInfo,
        observed: Option<Arc<dyn Observed>>,
        questions: Questions,
    ) -> Self {
        let wants: &[Want] =
            if observed.is_some() { &[Want::Sync, Want::Delete] } else { &[Want::Purge] };
        let sweep =
            |&want| Sweep { want, dirty: true, after: None, spent: Duration::ZERO, rest_until: None };
        Self {
            model,
            observed,
            questions: Arc::new(questions),
            sweeps: wants.iter().map(sweep).collect(),
            woken: VecDeque::new(),
            asking: false,
            ready: VecDeque::new(),
            in_hand: HashMap::new(),
            running: 0,
            round: Round::default(),
            listing: false,
            retry_at: None,
        }
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.observed.as_ref().map_or(0, |observed| observed.spec().concurrency)
    }

    /// Something may have changed: all rows are looked at again.
    pub(crate) fn look_again(&mut self) {
        self.sweeps.iter_mut().for_each(|sweep| sweep.dirty = true);
    }

    pub(crate) fn look_again_for(&mut self, want: Want) {
        self.sweeps.iter_mut().filter(|sweep| sweep.want == want).for_each(|sweep| sweep.dirty = true);
    }

    /// Some rows may have become ready.
    pub(crate) fn wake(&mut self, wake: Wake) {
        if !self.sweeps.iter().any(|sweep| sweep.want == wake.want) {
            return;
        }
        if self.woken.len() >= MOST_WAKES {
            let wants: Vec<_> = self.woken.drain(..).map(|wake| wake.want).chain([wake.want]).collect();
            wants.into_iter().for_each(|want| self.look_again_for(want));
        } else {
            self.woken.push_back(wake);
        }
    }

    /// The next question, if one is worth asking now. Its answer must come by
    /// [`Lane::answered`] or [`Lane::unanswered`].
    pub(crate) fn next_question(&mut self, now: Instant) -> Option<Question> {
        if self.asking || self.ready.len() >= BATCH / 2 {
            return None;
        }
        let question = match self.woken.pop_front() {
            Some(wake) => Question::Woken(wake),
            None => {
                let at = self.sweeps.iter().position(|sweep| sweep.wants_to_go(now))?;
                let sweep = &mut self.sweeps[at];
                if sweep.after.is_none() {
                    sweep.dirty = false;
                    sweep.spent = Duration::ZERO;
                }
                let question =
                    Question::Next { want: sweep.want, after: *sweep.after.get_or_insert(0) };
                // The other sweeps have their turn before this one's next batch.
                self.sweeps.rotate_left(at + 1);
                question
            }
        };
        self.asking = true;
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
        let want = question.want();
        let Some(sweep) = self.sweeps.iter_mut().find(|sweep| sweep.want == want) else { return };
        match question {
            // More than one batch: the sweep pages better than this question does.
            Question::Woken(_) => sweep.dirty |= full,
            Question::Next { .. } => {
                sweep.spent += took;
                sweep.after = last.filter(|_| full);
                if sweep.after.is_none() {
                    sweep.rest_until = Some(now + sweep.spent * (SWEEP_SHARE - 1));
                }
            }
        }
    }

    /// The question could not be asked: it is asked again.
    pub(crate) fn unanswered(&mut self, question: &Question) {
        self.asking = false;
        let want = question.want();
        for sweep in self.sweeps.iter_mut().filter(|sweep| sweep.want == want) {
            sweep.dirty = true;
            sweep.after = None;
        }
    }

    /// The database did not answer: no question before this moment.
    pub(crate) fn rest_until_at_least(&mut self, moment: Instant) {
        self.sweeps.iter_mut().for_each(|sweep| sweep.rest_until = Some(moment));
    }

    /// Takes a row in hand, unless it is already.
    pub(crate) fn take(&mut self, id: i64, updated: i64) -> bool {
        match self.in_hand.get_mut(&id) {
            Some(in_hand) => {
                in_hand.again |= in_hand.updated != updated;
                false
            }
            None => {
                self.in_hand.insert(id, InHand { updated, again: false });
                true
            }
        }
    }

    pub(crate) fn has_in_hand(&self, id: i64) -> bool {
        self.in_hand.contains_key(&id)
    }

    pub(crate) fn ready(&mut self, row: ReadyRow) {
        self.ready.push_back(row);
    }

    /// The next row to hand to the step, if its limit allows one more.
    pub(crate) fn start(&mut self) -> Option<ReadyRow> {
        if self.running >= self.concurrency() {
            return None;
        }
        let row = self.ready.pop_front()?;
        self.running += 1;
        Some(row)
    }

    /// The row's outcome is on disk.
    pub(crate) fn settled(&mut self, id: i64) {
        if self.in_hand.remove(&id).is_some_and(|in_hand| in_hand.again) {
            self.look_again();
        }
    }

    /// Gives back the rows that were not handed to the step, when the run ends.
    pub(crate) fn drop_ready(&mut self) -> Vec<ReadyRow> {
        self.woken.clear();
        let rows: Vec<_> = self.ready.drain(..).collect();
        rows.iter().for_each(|ready| drop(self.in_hand.remove(&ready.row.id())));
        rows
    }

    /// Whether there is nothing to do, to wait for or to ask.
    pub(crate) fn is_idle(&self) -> bool {
        !self.asking
            && !self.listing
            && self.in_hand.is_empty()
            && self.woken.is_empty()
            && self.sweeps.iter().all(|sweep| !sweep.dirty && sweep.after.is_none())
    }

    /// When a resting sweep may go on.
    pub(crate) fn rest_until(&self) -> Option<Instant> {
        self.sweeps
            .iter()
            .filter(|sweep| sweep.dirty && sweep.after.is_none())
            .filter_map(|sweep| sweep.rest_until)
            .min()
    }
}

impl Sweep {
    fn wants_to_go(&self, now: Instant) -> bool {
        self.after.is_some()
            || (self.dirty && self.rest_until.is_none_or(|rest_until| rest_until <= now))
    }
}

#[cfg(test)]
mod tests;
