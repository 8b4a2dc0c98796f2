//! Which rows are pending, and ready: the questions to the database and their answers.

use std::{collections::HashMap, sync::atomic::Ordering::Relaxed};

use diesel::{RunQueryDsl, sql_query};

use super::{AGAIN, Done, Finished, Passes};
use crate::{
    db::{AnyConnection, Db},
    enacted::{Outcome, Stamp},
    error::Result,
    journal,
    lane::{Place, ReadyRow},
    model::{Micros, ModelInfo, ObjectRef},
    pending::{BATCH, Batch, Question, Rows},
    roll, schedule,
    step::{AnyRow, Call},
};

/// How long rows are left alone that somebody is just changing.
const SOON: std::time::Duration = std::time::Duration::from_millis(100);

/// An answer on its way to its lane.
pub(super) struct Answer {
    lane: usize,
    question: Question,
    batch: Result<Batch>,
}

/// Rows on their way to their lane, with the journal's line.
pub(super) struct Journaled {
    lane: usize,
    call: Call,
    rows: Vec<Box<dyn AnyRow>>,
    /// `None` where other steps than this run's are in the database by now.
    line: Result<Option<(i64, HashMap<i64, i64>)>>,
    epoch: u32,
    place: Place,
}

impl Passes {
    /// Sends each lane's next question, if it has one.
    pub(super) fn ask(&mut self) {
        let now = std::time::Instant::now();
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            let shards = self.membership.shards(lane.step());
            if shards.is_empty() {
                continue;
            }
            let Some(question) = lane.next_question(now) else { continue };
            let (db, questions) = (self.db.clone(), lane.questions.clone());
            // Of rows that somebody has just changed, none is left for later.
            let limit = if question.is_of_changed() { BATCH } else { lane.batch_size() };
            let observed = lane.observed.clone();
            self.tasks.spawn(async move {
                let asked = question.clone();
                let batch = db
                    .run(move |conn| {
                        questions.ask(conn, observed.as_deref(), &asked, limit, shards)
                    })
                    .await;
                Done::Answered(Answer { lane: at, question, batch })
            });
        }
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        let Answer { lane: at, question, batch } = answer;
        let mut batch = match batch {
            Ok(batch) => batch,
            Err(error) => return self.not_answered(at, &question, &error),
        };
        let place = if question.is_of_changed() { Place::First } else { Place::Rest };
        let lane = &mut self.lanes[at];
        let last = match &batch.rows {
            Rows::Call(_, rows) => rows.last().map(|row| row.id()),
            Rows::Purge(rows) => rows.last().map(|(id, _)| *id),
        };
        let now = std::time::Instant::now();
        lane.answered(&question, last, batch.full, batch.took, now);
        if question.is_of_newest() {
            lane.keep_news(question.want(), &mut batch.rows);
        }
        if let Some(retry_at) = batch.retry_at {
            // Later than any wait: written by a clock that has since been put back.
            let plausible = retry_at <= (self.clock)().after(schedule::LONGEST_WAIT);
            self.waits_until(at, if plausible { retry_at } else { (self.clock)() });
        }
        if let Some(resync_at) = batch.resync_at {
            self.waits_until(at, resync_at);
        }
        match batch.rows {
            _ if self.stopping => {}
            Rows::Call(call, rows) => self.take(at, call, rows, place),
            Rows::Purge(rows) => self.purge(at, rows),
        }
    }

    /// The database did not answer: ask again a little later.
    fn not_answered(&mut self, at: usize, question: &Question, error: &crate::error::Error) {
        let lane = &mut self.lanes[at];
        tracing::warn!(model = lane.model.name, %error, "cannot ask which rows are pending; asking again");
        self.report.trouble = Some(error.to_string());
        lane.unanswered(question);
        lane.rest_until_at_least(std::time::Instant::now() + AGAIN);
    }

    /// Takes rows in hand; those that go to their step for the first time only after the
    /// journal has them.
    fn take(&mut self, at: usize, call: Call, mut rows: Vec<Box<dyn AnyRow>>, place: Place) {
        rows.retain(|row| self.take_row(at, row.id(), row.updated()));
        let epoch = self.membership.epoch;
        let lane = &mut self.lanes[at];
        if rows.is_empty() {
            return;
        }
        let ids: Vec<i64> = rows
            .iter()
            .filter(|row| call == Call::Sync && row.enacted().is_none())
            .map(|row| row.id())
            .collect();
        if ids.is_empty() {
            rows.into_iter().for_each(|row| {
                let ready = ReadyRow { row, call, journal: None, epoch };
                lane.ready.push(ready, place);
            });
            return;
        }
        lane.journaling[place as usize] += rows.len();
        let (db, model, owner) = (self.db.clone(), lane.model, self.owner.clone());
        let steps = self.steps.clone();
        self.tasks.spawn(async move {
            // The order follows from the steps: with others a row may have to wait.
            let begin = move |conn: &mut AnyConnection| {
                let as_known = roll::fingerprint(&roll::all(conn)?) == *steps;
                as_known.then(|| journal::begin(conn, &owner, model, &ids)).transpose()
            };
            let line = db.write_quietly(begin).await;
            Done::Journaled(Journaled { lane: at, call, rows, line, epoch, place })
        });
    }

    /// Takes a row in hand unless it is in one already, of this lane or of another.
    fn take_row(&mut self, at: usize, id: i64, updated: i64) -> bool {
        if !self.membership.shards(self.lanes[at].step()).have(id) {
            return false;
        }
        let siblings = self.lanes[at].siblings.clone();
        let elsewhere = siblings.into_iter().any(|other| self.lanes[other].is_wanted_elsewhere(id));
        !elsewhere && self.lanes[at].take(id, updated)
    }

    pub(super) fn journaled(&mut self, journaled: Journaled) {
        let Journaled { lane: at, call, rows, line, epoch, place } = journaled;
        self.lanes[at].journaling[place as usize] -= rows.len();
        match line {
            Ok(None) => {
                self.steps_changed = true;
                rows.iter().for_each(|row| self.lanes[at].give_back(row.id()));
            }
            Ok(Some((line, live))) => {
                if line == journal::NOT_A_MEMBER {
                    self.membership.renew_now();
                }
                let first = rows.iter().filter(|row| row.enacted().is_none()).count();
                self.journal.insert(line, first);
                for row in rows {
                    let journal = row.enacted().is_none().then_some(line);
                    let present = live.get(&row.id()).copied();
                    let stale = epoch != self.membership.epoch
                        || journal.is_some() && present != Some(row.updated());
                    let ready = ReadyRow { row, call, journal, epoch };
                    if stale {
                        if present.is_none() {
                            // Deleted, or just being changed by somebody.
                            self.lanes[at].rest_until_at_least(std::time::Instant::now() + SOON);
                        }
                        self.lanes[at].give_back(ready.row.id());
                        self.leave_journal(ready);
                        let model = self.lanes[at].model;
                        self.waited(model);
                    } else {
                        self.lanes[at].ready.push(ready, place);
                    }
                }
                if self.stopping {
                    self.stop();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot write the journal; its rows are tried again");
                self.report.trouble = Some(error.to_string());
                let lane = &mut self.lanes[at];
                rows.iter().for_each(|row| lane.give_back(row.id()));
                lane.look_again();
                lane.rest_until_at_least(std::time::Instant::now() + AGAIN);
            }
        }
    }

    /// Rows of which no backend holds anything are as good as deleted there.
    fn purge(&mut self, at: usize, rows: Vec<(i64, i64)>) {
        let model = self.lanes[at].model;
        for (id, read) in rows {
            if !self.take_row(at, id, read) {
                continue;
            }
            self.unstamped.fetch_add(1, Relaxed);
            self.finished.push(Finished {
                lane: at,
                call: Call::Delete,
                object: ObjectRef { model, id, label: String::new() },
                journal: None,
                outcome: Outcome {
                    model,
                    id,
                    read,
                    references: Vec::new(),
                    step: String::new(),
                    stamp: Stamp::NeverThere,
                    resync_at: None,
                    save: None,
                },
                refused: false,
                epoch: self.membership.epoch,
            });
        }
    }

    /// Rows whose waiting time has come are fresh again.
    pub(super) fn end_waits(&mut self) {
        let now = (self.clock)();
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            if lane.retry_at.is_none_or(|retry_at| retry_at > now) {
                continue;
            }
            lane.retry_at = None;
            let (db, model) = (self.db.clone(), lane.model);
            let statements = lane.questions.end_waiting(now);
            self.tasks.spawn(async move {
                end_waiting(&db, statements).await;
                Done::Waited(model)
            });
        }
    }

    /// Rows of this model are free again.
    pub(super) fn waited(&mut self, model: &'static ModelInfo) {
        self.lanes.iter_mut().filter(|lane| lane.model == model).for_each(|lane| lane.look_again());
    }

    /// Somebody's rows were given a time to wait until.
    pub(super) fn waits_until(&mut self, at: usize, time: Micros) {
        if time < Micros::NEVER {
            let lane = &mut self.lanes[at];
            lane.retry_at = Some(lane.retry_at.map_or(time, |before| before.min(time)));
        }
    }
}

async fn end_waiting(db: &Db, statements: [String; 2]) {
    let end = move |conn: &mut AnyConnection| {
        statements
            .iter()
            .try_fold(0, |rows, statement| Ok(rows + sql_query(statement).execute(conn)?))
    };
    match db.write_quietly(end).await {
        Ok(0) => tokio::time::sleep(AGAIN).await,
        Ok(_) => {}
        Err(error) => {
            // The next sweep's end finds them again.
            tracing::warn!(%error, "cannot look for rows whose waiting time has come");
            tokio::time::sleep(AGAIN).await;
        }
    }
}
