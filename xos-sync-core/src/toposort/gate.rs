//! When a row is ready.

use super::{Observers, Visited, Waiting, target};
use crate::{
    model::{ModelInfo, Reference},
    sql,
};

impl Observers {
    /// The condition under which the row `row` of `model` (an alias) waits for nothing: every
    /// row that it references is enacted.
    pub(crate) fn ready(&self, model: &'static ModelInfo, row: &str) -> String {
        let waiting = Waiting { model, row };
        let references = model.references.iter();
        all(references.map(|reference| self.one_ready(reference, row, waiting)).collect())
    }

    /// The condition under which one reference of the row `row`, through which another one may
    /// have to wait, is no reason to.
    pub(crate) fn one_ready(
        &self,
        reference: &'static Reference,
        row: &str,
        waiting: Waiting<'_>,
    ) -> String {
        self.reference_ready(reference, waiting, row, &Visited::default())
    }

    fn reference_ready(
        &self,
        reference: &'static Reference,
        waiting: Waiting<'_>,
        row: &str,
        visited: &Visited,
    ) -> String {
        let (column, parent) = (reference.column, target(reference));
        let alias = format!("{row}_{column}");
        let enacted = self.enacted(parent, waiting, &alias, visited);
        let condition = format!("{alias}.id = {row}.{column} AND {enacted}");
        let exists = sql::exists(self.engine, parent.table, &alias, &condition);
        if reference.nullable { format!("({row}.{column} IS NULL OR {exists})") } else { exists }
    }

    /// The condition under which the row `row` of `parent` holds back nobody.
    fn enacted(
        &self,
        parent: &'static ModelInfo,
        waiting: Waiting<'_>,
        row: &str,
        visited: &Visited,
    ) -> String {
        let mut parts = vec![format!("NOT {row}.deleted")];
        if self.is_observed(parent) {
            let own = format!("{row}.no_sync OR {row}.enacted >= {row}.updated");
            parts.push(match self.scope(parent) {
                None => format!("({own})"),
                Some(scope) => {
                    let table = parent.table;
                    format!(
                        "({own} OR NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = {row}.id AND ({scope})))"
                    )
                }
            });
            return all(parts);
        }
        let alias = |stand_in: &ModelInfo| format!("{row}_{}", stand_in.table);
        for (stand_in, behind) in self.holding_back(parent, &format!("{row}.id"), waiting, alias) {
            parts.push(sql::none(self.engine, stand_in.table, &alias(stand_in), &behind));
        }
        if let Some(visited) = visited.and(parent) {
            for reference in parent.references.iter().filter(|r| target(r) != parent) {
                parts.push(self.reference_ready(reference, waiting, row, &visited));
            }
        }
        all(parts)
    }

    /// The condition under which no row of any model references the row `row` of `model` any
    /// more, so that it may be removed.
    pub(crate) fn unreferenced<'a>(
        &self,
        model: &'static ModelInfo,
        row: &str,
        models: impl IntoIterator<Item = &'a &'static ModelInfo>,
    ) -> String {
        let mut parts = Vec::new();
        for child in models {
            for reference in child.references.iter().filter(|r| target(r) == model) {
                let alias = format!("{row}_{}_{}", child.table, reference.column);
                let itself = if *child == model {
                    format!(" AND {alias}.id <> {row}.id")
                } else {
                    String::new()
                };
                let references = format!("{alias}.{} = {row}.id{itself}", reference.column);
                parts.push(sql::none(self.engine, child.table, &alias, &references));
            }
        }
        all(parts)
    }

    /// The condition under which a row (alias `row`) has no step that would delete it from a
    /// backend; `None` when every row of the model has one.
    pub(crate) fn unobserved(&self, model: &ModelInfo, row: &str) -> Option<String> {
        if !self.is_observed(model) {
            return Some("TRUE".into());
        }
        let scope = self.scope(model)?;
        let table = model.table;
        Some(format!(
            "NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = {row}.id AND ({scope}))"
        ))
    }
}

impl Observers {
    /// The condition under which no backend holds anything of a row (alias `row`).
    pub(crate) fn never_there(&self, model: &ModelInfo, row: &str) -> String {
        let created = sql::maybe_created(model, &format!("{row}."));
        match self.unobserved(model, row) {
            Some(unobserved) => format!("(({unobserved}) OR NOT {created})"),
            None => format!("NOT {created}"),
        }
    }
}

/// All of these conditions together.
pub(super) fn all(parts: Vec<String>) -> String {
    if parts.is_empty() { "TRUE".into() } else { parts.join(" AND ") }
}

/// The condition under which a step whose attribute says `only` observes the row `row`.
pub(crate) fn in_scope(model: &ModelInfo, row: &str, only: Option<&str>) -> String {
    match only {
        None => "TRUE".into(),
        Some(only) => {
            let table = model.table;
            format!("EXISTS (SELECT 1 FROM {table} WHERE {table}.id = {row}.id AND ({only}))")
        }
    }
}

/// The condition for a row that is ready to be synced.
pub(crate) fn syncable(
    observers: &Observers,
    model: &'static ModelInfo,
    row: &str,
    only: Option<&str>,
) -> String {
    let fresh = sql::fresh(&format!("{row}."));
    format!("{fresh} AND {} AND {}", in_scope(model, row, only), observers.ready(model, row))
}
