//! Token buckets that several steps and processes draw on together, so that a backend that allows
//! so many calls a second gets no more, however many hands there are.
//!
//! A bucket is one number in the database: when its next token is free (the generic cell rate
//! algorithm, GCRA). A process takes the tokens of the next moments in one statement and hands them
//! out at their times, so that a busy budget costs a few statements a second.

mod bucket;

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Text},
};

use crate::{db::AnyConnection, error::RegistryError, sql};

pub(crate) use bucket::{Bucket, Request};

/// How many calls a second a backend allows, to all steps that name it by
/// `#[sync_step(budget = "…")]` together, in all processes that share the database. Each call of
/// such a step draws one token.
///
/// Linked by [`budget!`](macro@crate::budget), given by
/// [`Builder::budget`](crate::synchronizer::Builder::budget) or by the operator's
/// `run --budget NAME=RATE[:BURST]`; the later of these wins.
///
/// ```
/// use xos_sync_core::budget::Budget;
///
/// let budget = Budget::new("cloud", 20.0).burst(40);
/// assert_eq!(budget, "cloud=20:40".parse()?);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    name: Cow<'static, str>,
    per_second: f64,
    burst: u32,
}

/// A budget that a crate links in with [`budget!`](macro@crate::budget).
pub struct LinkedBudget(
    /// The budget.
    pub Budget,
);

inventory::collect!(LinkedBudget);

/// Links a budget into every binary that names this crate.
///
/// ```
/// use xos_sync_core::budget::Budget;
///
/// xos_sync_core::budget!(Budget::new("cloud", 20.0).burst(40));
/// ```
#[macro_export]
macro_rules! budget {
    ($budget:expr) => {
        $crate::__private::inventory::submit! { $crate::budget::LinkedBudget($budget) }
    };
}

/// Calls a second at the most: beyond it a budget is none.
const FASTEST: f64 = 1e6;
/// At the least: less than one call a day is a mistake.
const SLOWEST: f64 = 1.0 / 86_400.0;

impl Budget {
    /// This many calls a second, evenly: no two at once.
    pub const fn new(name: &'static str, per_second: f64) -> Self {
        Self { name: Cow::Borrowed(name), per_second, burst: 1 }
    }

    /// Up to this many calls at once after a rest.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// What steps call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time from one call to the next.
    fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second.clamp(SLOWEST, FASTEST))
    }

    /// Whether its numbers make sense.
    ///
    /// # Errors
    /// [`RegistryError::Budget`].
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        let problem = if self.name.trim().is_empty() {
            "has no name"
        } else if !(SLOWEST..=FASTEST).contains(&self.per_second) {
            "allows a number of calls a second that makes no sense: write one from 0.00002 to 1000000"
        } else if self.burst == 0 {
            "allows no call at all: its burst is 1 or more"
        } else {
            return Ok(());
        };
        Err(RegistryError::Budget { budget: self.to_string(), problem })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.name, self.per_second, self.burst)
    }
}

/// Reads `NAME=RATE` or `NAME=RATE:BURST`, the rate in calls a second.
impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let advice = || {
            format!(
                "`{text}` is not a budget: write NAME=RATE or NAME=RATE:BURST, with the rate in calls a second, \
                 as in cloud=20:40"
            )
        };
        let (name, numbers) = text.split_once('=').ok_or_else(advice)?;
        let (rate, burst) = numbers.split_once(':').unwrap_or((numbers, "1"));
        let budget = Self {
            name: Cow::Owned(name.trim().to_owned()),
            per_second: rate.trim().parse().map_err(|_| advice())?,
            burst: burst.trim().parse().map_err(|_| advice())?,
        };
        budget.check().map_err(|error| error.to_string())?;
        Ok(budget)
    }
}

#[derive(QueryableByName)]
struct Wait {
    #[diesel(sql_type = BigInt)]
    wait: i64,
}

/// A time further ahead than this was written by a clock that has since been put back, or by a
/// budget that was slower then: about what 64 processes may have taken.
const HORIZON: u32 = 64;

/// Takes the next tokens; how many microseconds from now the first of them is free, less than
/// zero where it already was. The others follow at the budget's pace.
pub(crate) fn take(conn: &mut AnyConnection, budget: &Budget, tokens: u32) -> QueryResult<i64> {
    let engine = conn.engine();
    let (now, greatest) = (sql::now(engine), sql::greatest(engine));
    let period = budget.period();
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 8);
    let (taken, burst) =
        (micros(period * tokens).max(1), micros(period * (budget.burst.max(1) - 1)));
    let horizon = micros(Duration::from_secs(60).saturating_add(period * HORIZON));
    let first = format!("{now} - {burst}");
    let wait: Wait = sql::query(
        engine,
        &format!(
            "INSERT INTO xos_sync_budgets AS b (name, free_at) VALUES (?, {first} + {taken}) \
             ON CONFLICT (name) DO UPDATE SET free_at = {taken} + {greatest}({first}, \
             CASE WHEN b.free_at > {now} + {horizon} THEN {now} ELSE b.free_at END) \
             RETURNING CAST(free_at - {taken} - {now} AS BIGINT) AS wait"
        ),
    )
    .bind::<Text, _>(budget.name())
    .get_result(conn)?;
    Ok(wait.wait)
}

#[cfg(test)]
mod tests;
