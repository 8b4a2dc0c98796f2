//! PURE: the order in which rows are handed to their steps, as SQL conditions.
//!
//! The order is never computed as a list of all pending rows: that would need memory for each
//! of them. A row is *ready* when the rows that it references are enacted, which is a
//! condition of the query that fetches it, and it *may have become ready* when one of those
//! has just been enacted, which is a query too.
//!
//! **Invariant (C5):** the conditions follow the declared references and nothing else. A model
//! that no step observes is looked through: its rows are as enacted as what they reference.

mod gate;
mod scope;
mod wake;

use std::collections::BTreeMap;

use crate::{
    db::Engine,
    model::{ModelInfo, Reference},
    sql,
};

pub(crate) use gate::{syncable, was_in_scope};
pub(crate) use wake::WakePath;

/// Who observes what: all that the order needs to know of the steps, of every Synchronizer on
/// the database.
#[derive(Debug, Clone)]
pub(crate) struct Observers {
    /// In whose words the conditions are written.
    pub(crate) engine: Engine,
    /// By table: the conditions under which a row is observed; empty for "always".
    scopes: BTreeMap<String, Vec<Option<String>>>,
    /// By table of a provided model that is not observed itself: the observed models that
    /// stand for it, with their column that references it.
    through: BTreeMap<String, Vec<(&'static ModelInfo, &'static str)>>,
}

impl Observers {
    /// Nobody, yet.
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, scopes: BTreeMap::new(), through: BTreeMap::new() }
    }

    /// Notes a step that provides and observes these models.
    pub(crate) fn add(
        &mut self,
        provides: &[&'static ModelInfo],
        observes: &'static ModelInfo,
        only: Option<&str>,
    ) {
        self.scopes.entry(observes.table.into()).or_default().push(only.map(str::to_owned));
        for provided in provides.iter().filter(|provided| **provided != observes) {
            let columns = observes
                .references
                .iter()
                .filter(|reference| (reference.target)() == *provided)
                .map(|reference| (observes, reference.column));
            self.through.entry(provided.table.into()).or_default().extend(columns);
        }
    }

    /// Whether any step observes rows of this model.
    pub(crate) fn is_observed(&self, model: &ModelInfo) -> bool {
        self.scopes.contains_key(model.table)
    }

    /// The condition under which a row (without alias, inside a query of its table alone) is
    /// observed by somebody; `None` for "always".
    fn scope(&self, model: &ModelInfo) -> Option<String> {
        let scopes = self.scopes.get(model.table)?;
        let conditions: Option<Vec<_>> =
            scopes.iter().map(|only| only.as_ref().map(|only| format!("({only})"))).collect();
        conditions.map(|conditions| conditions.join(" OR "))
    }

    /// The models whose rows are proxies of this one's: those that a step observes in its place,
    /// or beside it. A row of `child` does not wait for rows of its own model.
    fn proxies(
        &self,
        model: &ModelInfo,
        child: &ModelInfo,
    ) -> Vec<(&'static ModelInfo, &'static str)> {
        let proxies = self.through.get(model.table).into_iter().flatten();
        proxies.filter(|(proxy, _)| *proxy != child).copied().collect()
    }

    /// The models whose rows are proxies of `model`'s, each with the condition under which one
    /// that is a proxy of the row with the key `id` holds back the waiting row.
    pub(crate) fn holding_back(
        &self,
        model: &ModelInfo,
        id: &str,
        waiting: Waiting<'_>,
        prefix: &str,
    ) -> Vec<Proxies> {
        let proxies = self.proxies(model, waiting.model).into_iter();
        proxies
            .map(|(proxy, column)| {
                let alias = sql::name(format!("{prefix}_{}", proxy.table));
                let kept = sql::name(format!("{prefix}_{}_s", proxy.table));
                let scope = scope::same(proxy, column, &alias, waiting);
                let condition = format!(
                    "{alias}.{column} = {id} AND {kept}.object_id = {alias}.id AND NOT {kept}.deleted \
                     AND NOT {kept}.no_sync \
                     AND ({kept}.enacted IS NULL OR {kept}.enacted < {kept}.updated){scope}"
                );
                let tables = format!(
                    "{} AS {alias} CROSS JOIN {}",
                    proxy.table,
                    sql::living(self.engine, proxy, &kept)
                );
                Proxies { model: proxy, key: format!("{alias}.id"), tables, condition }
            })
            .collect()
    }
}

/// Proxy rows that hold back a waiting row, as SQL.
pub(crate) struct Proxies {
    pub(crate) model: &'static ModelInfo,
    /// The proxy row's key.
    pub(crate) key: String,
    pub(crate) tables: String,
    pub(crate) condition: String,
}

/// A row that may have to wait, by the alias that it has in a query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    pub(crate) model: &'static ModelInfo,
    pub(crate) row: &'a str,
}

/// A path through models that nobody observes, so that it ends.
#[derive(Clone, Default)]
struct Visited(Vec<&'static str>);

impl Visited {
    fn and(&self, model: &'static ModelInfo) -> Option<Self> {
        if self.0.contains(&model.table) {
            return None;
        }
        let mut visited = self.clone();
        visited.0.push(model.table);
        Some(visited)
    }
}

fn target(reference: &Reference) -> &'static ModelInfo {
    (reference.target)()
}

#[cfg(test)]
mod tests;
