//! The status as a table for people.

use std::fmt;

use super::{LimitStatus, ObjectStatus, ProcessStatus, State, Status, SynchronizerStatus};
use crate::{db::Trouble, error::cell, model::Micros};

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trouble) = &self.database {
            writeln!(f, "{}\n", cell(trouble))?;
        }
        let states: Vec<_> =
            State::ALL.into_iter().filter(|state| self.count(*state) > 0).collect();
        let width = self.models.iter().map(|model| model.model.len()).max().unwrap_or(0).max(5);
        write!(f, "{:width$}", "model")?;
        states.iter().try_for_each(|state| write!(f, "  {:>9}", state.as_str()))?;
        writeln!(f)?;
        for model in &self.models {
            write!(f, "{:width$}", model.model)?;
            for state in &states {
                match model.counts.get(state) {
                    Some(count) => write!(f, "  {count:>9}")?,
                    None => write!(f, "  {:>9}", "·")?,
                }
            }
            writeln!(f)?;
        }
        if self.models.is_empty() {
            writeln!(f, "(no rows)")?;
        }
        if !self.objects.is_empty() {
            writeln!(f)?;
        }
        self.objects.iter().try_for_each(|object| writeln!(f, "{object}"))?;
        for step in self.steps.iter().filter(|step| step.message.is_some()) {
            let message = cell(step.message.as_deref().unwrap_or_default());
            writeln!(
                f,
                "step {}/{} ({} failures): {message}",
                step.synchronizer, step.step, step.attempts
            )?;
        }
        for step in &self.steps {
            let Some(since) = step.unserved_since.map(Micros) else { continue };
            let (name, step) = (&step.synchronizer, &step.step);
            writeln!(f, "step {name}/{step}: no process serves it since {since}")?;
        }
        self.processes.iter().try_for_each(|process| {
            let alone = self.processes.iter().filter(|p| p.synchronizer == process.synchronizer);
            if alone.count() > 1 {
                let ProcessStatus { member, synchronizer, shards, .. } = process;
                writeln!(f, "process {member} of {synchronizer}: {shards} of 64 shards")?;
            }
            process.limits.iter().try_for_each(|LimitStatus { step, limit, share }| {
                let (step, name) = (step.as_deref().unwrap_or("every step"), &process.synchronizer);
                writeln!(f, "{name}/{step} is held back by {limit}, {share} % of the time")
            })?;
            process.troubles.iter().try_for_each(|Trouble { since, message }| {
                let (name, since) = (&process.synchronizer, Micros(*since));
                writeln!(f, "a process of {name} has trouble since {since}: {}", cell(message))
            })?;
            process.feeds.iter().filter(|feed| !feed.up).try_for_each(|feed| {
                let (name, since) = (cell(&feed.name), Micros(feed.since));
                let message = cell(feed.message.as_deref().unwrap_or("no reason is known"));
                writeln!(
                    f,
                    "feed {name} of {} is down since {since}: {message}",
                    process.synchronizer
                )
            })
        })?;
        self.synchronizers.iter().try_for_each(|SynchronizerStatus { synchronizer, running }| {
            let said = if *running { "running" } else { "not running: nothing is synced" };
            writeln!(f, "{synchronizer} is {said}")
        })
    }
}

impl fmt::Display for ObjectStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.model)?;
        if !self.label.is_empty() {
            write!(f, "{} ", cell(&self.label))?;
        }
        write!(f, "(#{}) {}", self.id, self.state.as_str())?;
        let reason = self.reason.as_ref().filter(|reason| !reason.is_general());
        if let (State::Waiting, Some(reason)) = (self.state, reason) {
            write!(f, " ({})", cell(reason.as_str()))?;
        }
        if let (State::Failed, Some(class)) = (self.state, &self.class) {
            let times = if self.attempts == 1 { "time" } else { "times" };
            let reason = reason.map(|reason| format!("{}, ", cell(reason.as_str())));
            let reason = reason.unwrap_or_default();
            write!(f, " ({reason}{}, {} {times}", class.as_str(), self.attempts)?;
            match self.retry_at.map(Micros) {
                Some(Micros::NEVER) => write!(f, ", waits for a changed goal)")?,
                Some(at) => write!(f, ", next try {at})")?,
                None => write!(f, ", tried again now)")?,
            }
        }
        match &self.message {
            Some(message) => write!(f, ": {}", cell(message)),
            None => Ok(()),
        }
    }
}
