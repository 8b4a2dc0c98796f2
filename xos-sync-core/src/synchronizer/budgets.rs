//! Which budgets the steps of a Synchronizer draw on.

use std::collections::BTreeMap;

use crate::{
    budget::{Budget, LinkedBudget},
    error::RegistryError,
    step::StepSpec,
};

/// The budgets that steps of this Synchronizer name: those given by hand, else the linked ones.
pub(super) fn of(
    synchronizer: &'static str,
    specs: impl Iterator<Item = &'static StepSpec>,
    given: Vec<Budget>,
) -> Result<Vec<Budget>, RegistryError> {
    let linked = inventory::iter::<LinkedBudget>.into_iter().map(|linked| linked.0.clone());
    let mut known = BTreeMap::new();
    for budget in linked.chain(given.iter().cloned()) {
        budget.check()?;
        known.insert(budget.name().to_owned(), budget);
    }
    let mut drawn = BTreeMap::new();
    for spec in specs.filter(|spec| spec.synchronizer == synchronizer) {
        let Some(name) = spec.budget else { continue };
        let budget = known.get(name).ok_or_else(|| RegistryError::NoBudget {
            step: spec.name,
            budget: name,
            known: listed(known.keys()),
        })?;
        drawn.insert(name.to_owned(), budget.clone());
    }
    if let Some(unused) = given.iter().find(|budget| !drawn.contains_key(budget.name())) {
        return Err(RegistryError::UnusedBudget {
            synchronizer,
            budget: unused.name().to_owned(),
            known: listed(drawn.keys()),
        });
    }
    Ok(drawn.into_values().collect())
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(String::as_str).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
