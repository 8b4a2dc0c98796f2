//! Whether what an author wrote is a step, and which.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, ExprLit, Lit, LitStr, Path};

use super::ast::{Models, Options, StepItem};
use crate::errors::Errors;

/// A step, ready to be written out.
pub(super) struct Step {
    pub(super) item: StepItem,
    /// Empty after a mistake.
    pub(super) provides: Vec<Path>,
    pub(super) observes: Vec<Path>,
    /// In seconds.
    pub(super) interval: u64,
    /// In seconds.
    pub(super) timeout: Option<u64>,
    pub(super) concurrency: Option<usize>,
    pub(super) budget: Option<LitStr>,
    pub(super) only: Option<LitStr>,
    pub(super) synchronizer: Option<LitStr>,
}

/// Checks everything, and keeps what is usable.
pub(super) fn validate(options: Options, item: StepItem, errors: &mut Errors) -> Step {
    if options.provides.is_none() && options.complete {
        errors.at(
            &item.ident,
            "say which model the step provides: `#[sync_step(provides = …, interval = …)]`",
        );
    }
    if options.interval.is_none() && options.complete {
        errors.at(
            &item.ident,
            "say how often the step comes round by itself, in seconds: `interval = 3600`",
        );
    }
    let provides = models(options.provides, errors);
    let observes = match options.observes {
        Some(observes) => models(Some(observes), errors),
        None => provides.clone(),
    };
    const SECONDS: &str = "write a whole number of seconds, 1 or more";
    let interval = options.interval.and_then(|expr| number(&expr, SECONDS, u64::MAX, errors));
    let timeout = options.timeout.and_then(|expr| number(&expr, SECONDS, u64::MAX, errors));
    let concurrency = options.concurrency.and_then(|expr| {
        number(&expr, "write the number of rows in hand at once, 1 to 1024", 1024, errors)
    });
    Step {
        item,
        provides,
        observes,
        interval: interval.unwrap_or(1),
        timeout,
        concurrency: concurrency.and_then(|most| usize::try_from(most).ok()),
        budget: options
            .budget
            .and_then(|expr| text(&expr, "the name of a budget: `budget = \"cloud\"`", errors)),
        only: options
            .only
            .and_then(|expr| text(&expr, "an SQL condition: `only = \"kind = 'vm'\"`", errors)),
        synchronizer: options.synchronizer.and_then(|expr| {
            text(&expr, "the name of a Synchronizer: `synchronizer = \"ec2\"`", errors)
        }),
    }
}

fn models(models: Option<Models>, errors: &mut Errors) -> Vec<Path> {
    let Some(Models { option, paths }) = models else { return Vec::new() };
    if paths.is_empty() {
        errors.at(
            &option,
            format!("`{option}` names no model: write `{option} = Model` or `{option} = [A, B]`"),
        );
    }
    let mut kept: Vec<Path> = Vec::new();
    for path in paths {
        if kept.contains(&path) {
            errors.at(&path, format!("`{option}` names this model twice"));
        } else {
            kept.push(path);
        }
    }
    kept
}

/// A whole number from 1 to `most`.
fn number(expr: &Expr, wanted: &str, most: u64, errors: &mut Errors) -> Option<u64> {
    let value = match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse::<u64>().ok(),
        _ => None,
    };
    let value = value.filter(|value| (1..=most).contains(value));
    if value.is_none() {
        errors.at(expr, wanted);
    }
    value
}

fn text(expr: &Expr, wanted: &str, errors: &mut Errors) -> Option<LitStr> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty() => {
            Some(text.clone())
        }
        _ => {
            errors.at(expr, format!("write {wanted}"));
            None
        }
    }
}

impl Step {
    /// The struct's name as a literal.
    pub(super) fn name(&self) -> String {
        self.item.ident.to_string()
    }

    /// The observed model, or a tuple of them.
    pub(super) fn observed(&self) -> TokenStream {
        match self.observes.as_slice() {
            [model] => model.to_token_stream(),
            models => quote!((#(#models),*)),
        }
    }
}
