//! When a row is ready.

use super::{Observers, Visited, Waiting, target};
use crate::{
    db::Engine,
    former,
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
        let (key, parent) = (format!("{row}.{}", reference.column), target(reference));
        let alias = sql::name(format!("{row}_{}", reference.column));
        let mut parts = vec![if self.is_observed(parent) {
            self.is_enacted(parent, &key, &alias)
        } else {
            self.is_looked_through(parent, &key, &alias, waiting, visited)
        }];
        for proxies in self.holding_back(parent, &key, waiting, &alias) {
            parts.push(sql::none(self.engine, &proxies.tables, &proxies.condition));
        }
        let ready = all(parts);
        if reference.nullable { format!("({key} IS NULL OR {ready})") } else { ready }
    }

    /// The condition under which the observed row with this key is enacted, or will never be.
    fn is_enacted(&self, parent: &'static ModelInfo, key: &str, alias: &str) -> String {
        let mut enacted = format!("{alias}.no_sync OR {alias}.enacted >= {alias}.updated");
        if let Some(scope) = self.scope(parent) {
            let table = parent.table;
            enacted.push_str(&format!(
                " OR NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = {alias}.object_id AND ({scope}))"
            ));
        }
        let condition =
            format!("{alias}.object_id = {key} AND NOT {alias}.deleted AND ({enacted})");
        sql::exists(self.engine, &sql::living(self.engine, parent, alias), &condition)
    }

    /// The condition under which all is enacted that the row with this key references, where no
    /// step observes the row itself.
    fn is_looked_through(
        &self,
        parent: &'static ModelInfo,
        key: &str,
        alias: &str,
        waiting: Waiting<'_>,
        visited: &Visited,
    ) -> String {
        let mut parts = vec![format!("{alias}.id = {key}")];
        if let Some(visited) = visited.and(parent) {
            for reference in parent.references.iter().filter(|r| target(r) != parent) {
                parts.push(self.reference_ready(reference, waiting, alias, &visited));
            }
        }
        sql::exists(self.engine, &format!("{} AS {alias}", parent.table), &all(parts))
    }

    /// The condition under which a deleted row (its bookkeeping's alias is `row`) may be removed:
    /// no row references it, and none was enacted with a reference to it, or called with one, and
    /// has not left it.
    pub(crate) fn unreferenced<'a>(
        &self,
        model: &'static ModelInfo,
        row: &str,
        models: impl IntoIterator<Item = &'a &'static ModelInfo>,
    ) -> String {
        let successor = format!("{row}_successor");
        let reused = sql::exists(
            self.engine,
            &sql::living(self.engine, model, &successor),
            &format!("{successor}.object_id = {row}.object_id AND NOT {successor}.deleted"),
        );
        let mut parts = Vec::new();
        for child in models {
            let but_itself = |alias: &str| match *child == model {
                true => format!(" AND {alias}.sync_id <> {row}.sync_id"),
                false => String::new(),
            };
            if child.references.iter().any(|r| target(r) == model) {
                let (tables, keeping) = former::keeping(self.engine, child, model);
                let condition =
                    format!("f.parent_id = {row}.sync_id AND {keeping}{}", but_itself("s"));
                parts.push(sql::none(self.engine, &tables, &condition));
            }
            for reference in child.references.iter().filter(|r| target(r) == model) {
                let column = reference.column;
                let alias = sql::name(format!("{row}_{}_{column}", child.table));
                let referencing = sql::none(
                    self.engine,
                    &format!("{} AS {alias}", child.table),
                    &format!("{alias}.{column} = {row}.object_id"),
                );
                parts.push(format!("({referencing} OR {reused})"));
                let applied = sql::applied_reference(column);
                parts.push(sql::none(
                    self.engine,
                    &format!("{}_sync AS {alias}", child.table),
                    &format!("{alias}.{applied} = {row}.sync_id{}", but_itself(&alias)),
                ));
            }
        }
        all(parts)
    }

    /// The condition under which no step observes a living row (its bookkeeping's alias is
    /// `row`); `None` when every row of the model has a step.
    pub(crate) fn unobserved(&self, model: &ModelInfo, row: &str) -> Option<String> {
        if !self.is_observed(model) {
            return Some("TRUE".into());
        }
        let scope = self.scope(model)?;
        let table = model.table;
        Some(format!(
            "NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = {row}.object_id AND ({scope}))"
        ))
    }

    /// The condition under which nothing was ever made for a deleted row (its bookkeeping's
    /// alias is `row`). The steps are looked up when the condition is asked, because other
    /// Synchronizers come and go.
    pub(crate) fn never_made(&self, model: &ModelInfo, row: &str) -> String {
        let created = sql::maybe_created(self.engine, model, row);
        format!(
            "{row}.enacted IS NULL AND NOT {row}.attempted AND (NOT {created} \
             OR NOT EXISTS (SELECT 1 FROM xos_sync_steps AS o WHERE o.model = '{table}'))",
            table = model.table
        )
    }
}

/// All of these conditions together.
pub(super) fn all(parts: Vec<String>) -> String {
    if parts.is_empty() { "TRUE".into() } else { parts.join(" AND ") }
}

/// The condition under which a step whose attribute says `only` observes a living row.
pub(crate) fn in_scope(model: &ModelInfo, row: &str, only: Option<&str>) -> String {
    match only {
        None => "TRUE".into(),
        Some(only) => {
            let table = model.table;
            format!("EXISTS (SELECT 1 FROM {table} WHERE {table}.id = {row}.id AND ({only}))")
        }
    }
}

/// The condition under which a step whose attribute says `only` deletes a row (its bookkeeping's
/// alias is `row`): the step that was called for it last, while that observes the model; else the
/// step in whose scope its last values are. `step` is its [`sql::step_name`].
pub(crate) fn was_in_scope(
    engine: Engine,
    model: &ModelInfo,
    row: &str,
    step: &str,
    only: Option<&str>,
) -> String {
    match only {
        None => "TRUE".into(),
        Some(only) => format!(
            "({row}.step = '{step}' OR NOT EXISTS (SELECT 1 FROM xos_sync_steps AS known \
             WHERE known.model = '{table}' AND known.synchronizer || '.' || known.step = {row}.step) \
             AND EXISTS (SELECT 1 FROM {last} WHERE ({only})))",
            table = model.table,
            last = sql::last_values(engine, model, row)
        ),
    }
}

/// The condition for a row that is ready to be synced: the row is called `t`, its bookkeeping `c`.
pub(crate) fn syncable(
    observers: &Observers,
    model: &'static ModelInfo,
    only: Option<&str>,
) -> String {
    format!(
        "{} AND {} AND {}",
        sql::due("c."),
        in_scope(model, "t", only),
        observers.ready(model, "t")
    )
}
