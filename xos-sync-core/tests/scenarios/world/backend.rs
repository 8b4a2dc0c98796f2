//! A backend in memory that can be told to misbehave, and keeps a log.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use xos_sync_core::{Outcome, Reason, StepError, StepResult};

use super::in_time;

/// How the backend answers, by an object's name or by `verb name`.
#[derive(Clone)]
pub enum Answer {
    Fail(&'static str),
    RetryAfter(&'static str, Duration),
    Terminal(&'static str),
    Wait(&'static str, Duration),
    /// Done, and to be synced again after this time.
    Until(Duration),
    NotFound,
    Panic(&'static str),
    Slow(Duration),
    Hang,
    /// The next call waits until the test lets it go on; the ones after it do not.
    Gate(Gate),
}

/// Holds one call.
#[derive(Clone, Default)]
pub struct Gate {
    entered: Arc<Notify>,
    opened: Arc<Notify>,
}

impl Gate {
    /// Waits until the call has begun.
    pub async fn entered(&self) {
        in_time("the call", self.entered.notified()).await;
    }

    pub fn open(&self) {
        self.opened.notify_one();
    }

    pub async fn pass(&self) {
        self.entered.notify_one();
        self.opened.notified().await;
    }
}

/// What really is there, and what was done.
#[derive(Clone, Default)]
pub struct Backend(Arc<Mutex<Inner>>);

#[derive(Default)]
pub struct Inner {
    pub log: Vec<String>,
    /// Names by uid.
    pub things: BTreeMap<String, String>,
    answers: BTreeMap<String, Answer>,
    in_calls: BTreeSet<String>,
    pub most_at_once: usize,
}

impl Backend {
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        // A test that fails while it holds the lock is told by its own message.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers so for a name (`web`) or a call (`delete web`).
    pub fn answer(&self, what: &str, answer: Answer) {
        self.lock().answers.insert(what.to_owned(), answer);
    }

    /// Makes the next such call wait.
    pub fn gate(&self, what: &str) -> Gate {
        let gate = Gate::default();
        self.answer(what, Answer::Gate(gate.clone()));
        gate
    }

    pub fn heal(&self, what: &str) {
        self.lock().answers.remove(what);
    }

    /// What was done since the last call of this.
    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().log)
    }

    /// The same where the order is not fixed.
    pub fn sorted_log(&self) -> Vec<String> {
        let mut log = self.log();
        log.sort();
        log
    }

    /// What is there.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.lock().things.values().cloned().collect();
        names.sort();
        names
    }

    /// Notes something that is no call for an object.
    pub fn note(&self, line: impl Into<String>) {
        self.lock().log.push(line.into());
    }

    pub async fn call(&self, verb: &str, name: &str, uid: &str) -> StepResult {
        let call = format!("{verb} {name}");
        let answer = {
            let mut inner = self.lock();
            inner.log.push(call.clone());
            assert!(inner.in_calls.insert(uid.to_owned()), "two calls for {name} at once");
            inner.most_at_once = inner.most_at_once.max(inner.in_calls.len());
            let key = if inner.answers.contains_key(&call) { &call } else { name };
            match inner.answers.get(key) {
                Some(Answer::Gate(_)) => inner.answers.remove(key),
                answer => answer.cloned(),
            }
        };
        let mut outcome = Outcome::Done;
        let _leave = Leave(self.clone(), uid.to_owned());
        match answer {
            Some(Answer::Fail(message)) => return Err(StepError::transient(message)),
            Some(Answer::RetryAfter(message, wait)) => {
                return Err(StepError::retry_after(message, wait));
            }
            Some(Answer::Terminal(message)) => return Err(StepError::terminal(message)),
            Some(Answer::Wait(message, after)) => {
                return Ok(Outcome::wait(Reason::WAITING, message, after));
            }
            Some(Answer::Until(after)) => outcome = Outcome::DoneUntil(after),
            Some(Answer::NotFound) => return Err(StepError::not_found("no such thing")),
            Some(Answer::Panic(message)) => panic!("{message}"),
            Some(Answer::Slow(time)) => tokio::time::sleep(time).await,
            Some(Answer::Hang) => std::future::pending().await,
            Some(Answer::Gate(gate)) => {
                gate.pass().await;
                // What the call comes to may have been decided meanwhile.
                if let Some(Answer::Fail(message)) = self.lock().answers.get(&call) {
                    return Err(StepError::transient(*message));
                }
            }
            None => tokio::task::yield_now().await,
        }
        let mut inner = self.lock();
        if verb == "delete" {
            inner.things.remove(uid);
        } else {
            inner.things.insert(uid.to_owned(), name.to_owned());
        }
        Ok(outcome)
    }
}

/// Ends a call also when it is given up, or panics.
struct Leave(Backend, String);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.lock().in_calls.remove(&self.1);
    }
}
