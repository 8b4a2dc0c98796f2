//! Which rows may have become ready, because rows that they wait for have just been enacted.

use super::{Observers, Visited, target};
use crate::model::ModelInfo;

/// From enacted rows of one model to the rows of another that may wait for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WakePath {
    /// The table of the enacted rows.
    pub(crate) source: &'static str,
    /// The waiting model's column with which the path begins.
    pub(crate) column: &'static str,
    before: String,
    after: String,
}

impl WakePath {
    /// The condition on the waiting row (alias `row`), for these enacted rows.
    pub(crate) fn condition(&self, row: &str, ids: &str) -> String {
        format!(
            "{row}.{} IN ({}SELECT object_id FROM {}_sync WHERE sync_id IN ({ids}){})",
            self.column, self.before, self.source, self.after
        )
    }
}

impl Observers {
    /// Every path on which a row of `model` may be waiting.
    pub(crate) fn wake_paths(&self, model: &'static ModelInfo) -> Vec<WakePath> {
        let mut paths = Vec::new();
        for reference in model.references {
            let start = WakePath {
                source: "",
                column: reference.column,
                before: String::new(),
                after: String::new(),
            };
            self.extend(target(reference), model, &start, &Visited::default(), &mut paths);
        }
        paths
    }

    fn extend(
        &self,
        at: &'static ModelInfo,
        child: &'static ModelInfo,
        path: &WakePath,
        visited: &Visited,
        paths: &mut Vec<WakePath>,
    ) {
        for (proxy, column) in self.proxies(at, child) {
            paths.push(WakePath {
                source: proxy.table,
                before: format!(
                    "{}SELECT {column} FROM {} WHERE id IN (",
                    path.before, proxy.table
                ),
                after: format!("){}", path.after),
                ..path.clone()
            });
        }
        if self.is_observed(at) {
            paths.push(WakePath { source: at.table, ..path.clone() });
            return;
        }
        let Some(visited) = visited.and(at) else { return };
        for reference in at.references.iter().filter(|reference| target(reference) != at) {
            let longer = WakePath {
                before: format!(
                    "{}SELECT id FROM {} WHERE {} IN (",
                    path.before, at.table, reference.column
                ),
                after: format!("){}", path.after),
                ..path.clone()
            };
            self.extend(target(reference), child, &longer, &visited, paths);
        }
    }
}
