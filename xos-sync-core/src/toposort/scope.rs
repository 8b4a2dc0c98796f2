//! Which of the rows that stand for a thing a row waits for.
//!
//! A model with an expansion has a row for each combination of others, such as a site on each
//! controller. What leads to one controller waits for what stands for the site there, and for
//! nothing on the others: one that is down delays only its own.

use super::{Waiting, target};
use crate::model::ModelInfo;

/// References followed from the waiting row, at the most.
const LONGEST: usize = 4;

/// What else holds of a row `alias` of `stand_in`, which stands for a row by its column `column`,
/// when it is on the waiting row's side; empty when that is on no side.
pub(super) fn same(
    stand_in: &'static ModelInfo,
    column: &str,
    alias: &str,
    waiting: Waiting<'_>,
) -> String {
    let Some(expansion) = &stand_in.expansion else { return String::new() };
    let sides = stand_in.references.iter().filter(|reference| {
        reference.column != column
            && expansion.values.iter().any(|(filled, _)| *filled == reference.column)
    });
    sides
        .filter_map(|side| {
            let key = key_of(target(side), waiting)?;
            // What leads nowhere yet waits for all.
            Some(format!(" AND coalesce({alias}.{} = {key}, TRUE)", side.column))
        })
        .collect()
}

/// The key of the row of `side` to which the waiting row leads, as SQL: by the shortest way, if
/// there is one alone.
fn key_of(side: &'static ModelInfo, waiting: Waiting<'_>) -> Option<String> {
    let mut seen = vec![waiting.model.table];
    let mut ends: Vec<(&'static ModelInfo, Option<String>)> = vec![(waiting.model, None)];
    for _ in 0..LONGEST {
        let mut further = Vec::new();
        for (model, key) in &ends {
            for reference in model.references.iter().filter(|it| !seen.contains(&target(it).table))
            {
                let next = match key {
                    None => format!("{}.{}", waiting.row, reference.column),
                    Some(key) => format!(
                        "(SELECT {} FROM {} WHERE id = {key})",
                        reference.column, model.table
                    ),
                };
                further.push((target(reference), Some(next)));
            }
        }
        let mut found = further.iter().filter(|(model, _)| *model == side);
        if let Some((_, key)) = found.next() {
            return if found.next().is_none() { key.clone() } else { None };
        }
        seen.extend(further.iter().map(|(model, _)| model.table));
        ends = further;
    }
    None
}
