//! Models and steps that do not fit together.

use thiserror::Error;

/// Why models and steps do not fit together. Found at start, before anything runs.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RegistryError {
    /// No step at all.
    #[error(
        "no step is linked into this program: a crate that is listed in Cargo.toml but never named links to \
         nothing; name the crate that holds the steps in main.rs, for instance `use xos_sync_ec2 as _;`"
    )]
    Empty,
    /// Two steps of one Synchronizer share a name.
    #[error("the Synchronizer {synchronizer} has two steps named {step}: rename one of them")]
    SameStep {
        /// The Synchronizer.
        synchronizer: &'static str,
        /// The name.
        step: &'static str,
    },
    /// Two models share a table.
    #[error("the models {first} and {second} both use the table `{table}`: rename one of them")]
    SameTable {
        /// The table.
        table: &'static str,
        /// The one model, with its crate.
        first: String,
        /// The other.
        second: String,
    },
    /// Two steps would work on the same rows.
    #[error(
        "the steps {first} and {second} both observe all rows of {model}: let one step do it, or give each of \
         them `only = \"…\"` with an SQL condition on its own rows"
    )]
    ObservedTwice {
        /// The model.
        model: &'static str,
        /// The one step.
        first: String,
        /// The other.
        second: String,
    },
    /// A step or a reference names a model that is not registered.
    #[error("{from} names the model {model}, which is not registered: add it to the registry")]
    UnknownModel {
        /// Who names it.
        from: String,
        /// The model.
        model: &'static str,
    },
    /// There is no such Synchronizer, or it was not said which of several.
    #[error("{problem}; this program has: {known}")]
    Which {
        /// What was asked.
        problem: String,
        /// The Synchronizers.
        known: String,
    },
    /// The SQL that a step's `only` holds is not understood.
    #[error(
        "the step {step} says only = {only:?}, which is not a condition on the table {table}: {reason}"
    )]
    Only {
        /// The step.
        step: &'static str,
        /// The observed table.
        table: &'static str,
        /// The condition.
        only: &'static str,
        /// What the database said.
        reason: String,
    },
    /// A step draws on a budget that nobody has defined.
    #[error(
        "the step {step} draws on the budget `{budget}`, which is not defined: link it with \
         `xos_sync_core::budget!(Budget::new(\"{budget}\", 20.0))`, or run with `--budget {budget}=20`; there are: {known}"
    )]
    NoBudget {
        /// The step.
        step: &'static str,
        /// The budget.
        budget: &'static str,
        /// The budgets that there are.
        known: String,
    },
    /// No step draws on a budget that was given.
    #[error("no step of {synchronizer} draws on the budget `{budget}`; they draw on: {known}")]
    UnusedBudget {
        /// The Synchronizer.
        synchronizer: &'static str,
        /// The budget.
        budget: String,
        /// The budgets that are drawn on.
        known: String,
    },
    /// A budget's numbers make no sense.
    #[error("the budget {budget} {problem}")]
    Budget {
        /// The budget.
        budget: String,
        /// What is wrong with it, and what to write.
        problem: &'static str,
    },
    /// Required references form a circle: no row of it could ever be the first.
    #[error(
        "the models reference each other in a circle, all by required columns: {cycle}; no row could ever be \
         the first: make one of the columns an `Option`"
    )]
    Cycle {
        /// The circle, as `a → b → a`.
        cycle: String,
    },
}
