//! PURE: the graph of the models, from the declared reference targets, never from names.
//!
//! Named after the guide's tool, which "generates the dependency graph contained in the Data
//! Model".

mod render;

use std::collections::BTreeMap;

use petgraph::{
    algo::tarjan_scc,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};
use serde::Serialize;

use crate::{
    error::RegistryError,
    model::{ModelInfo, Reference},
};

/// Models and their references; an edge leads from the model that references to its target.
pub struct Graph {
    graph: DiGraph<&'static ModelInfo, &'static Reference>,
    nodes: BTreeMap<&'static str, NodeIndex>,
}

/// One model in [`Graph::listing`].
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Dependencies {
    /// The model.
    pub model: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The crate that declares it.
    pub crate_name: &'static str,
    /// Its place in the order: greater than the level of everything that it depends on, except
    /// within a cycle.
    pub level: usize,
    /// What it references.
    pub depends_on: Vec<Dependency>,
}

/// One reference in [`Dependencies`].
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Dependency {
    /// The target model.
    pub model: &'static str,
    /// The column that holds the key.
    pub column: &'static str,
    /// Whether it must be set.
    pub required: bool,
}

impl Graph {
    /// The graph of these models. References to models outside are left out.
    pub fn of(models: impl IntoIterator<Item = &'static ModelInfo>) -> Self {
        let mut graph = DiGraph::new();
        let nodes: BTreeMap<_, _> =
            models.into_iter().map(|model| (model.table, graph.add_node(model))).collect();
        for &from in nodes.values() {
            let model: &'static ModelInfo = graph[from];
            for reference in model.references {
                if let Some(&to) = nodes.get((reference.target)().table) {
                    graph.add_edge(from, to, reference);
                }
            }
        }
        Self { graph, nodes }
    }

    /// The part of the graph that this crate declares, with what its models reference.
    #[must_use]
    pub fn of_crate(&self, crate_name: &str) -> Self {
        let own = |model: &ModelInfo| model.crate_name == crate_name;
        let mut kept: BTreeMap<&str, &'static ModelInfo> = BTreeMap::new();
        for model in self.graph.node_weights().filter(|model| own(model)) {
            kept.insert(model.table, model);
            for reference in model.references {
                let target = (reference.target)();
                kept.insert(target.table, target);
            }
        }
        let mut part = Self::of(kept.into_values());
        part.graph.retain_edges(|graph, edge| {
            graph.edge_endpoints(edge).is_some_and(|(from, _)| own(graph[from]))
        });
        part
    }

    /// The models that belong together because they reference each other, directly or in a
    /// circle; each as `a → b → a`.
    pub fn cycles(&self) -> Vec<String> {
        let groups = tarjan_scc(&self.graph);
        let mut cycles: Vec<_> = groups
            .iter()
            .filter(|group| group.len() > 1 || self.references_itself(group[0], |_| true))
            .map(|group| self.cycle_text(group, |_| true))
            .collect();
        cycles.sort();
        cycles
    }

    /// The models of whose rows some may reference each other in a circle.
    pub(crate) fn circular(&self) -> Vec<&'static ModelInfo> {
        let groups = tarjan_scc(&self.graph).into_iter();
        let circular =
            groups.filter(|group| group.len() > 1 || self.references_itself(group[0], |_| true));
        circular.flatten().map(|node| self.graph[node]).collect()
    }

    /// Whether some row can be the first in every circle of models.
    ///
    /// # Errors
    /// [`RegistryError::Cycle`] for a circle of required references.
    pub fn check_order(&self) -> Result<(), RegistryError> {
        let required = |reference: &Reference| !reference.nullable;
        let hard = self
            .graph
            .filter_map(|_, model| Some(*model), |_, edge| required(edge).then_some(*edge));
        let mut cycles: Vec<_> = tarjan_scc(&hard)
            .iter()
            .filter(|group| group.len() > 1 || self.references_itself(group[0], required))
            .map(|group| self.cycle_text(group, required))
            .collect();
        cycles.sort();
        match cycles.into_iter().next() {
            Some(cycle) => Err(RegistryError::Cycle { cycle }),
            None => Ok(()),
        }
    }

    /// The level of each model, by table: models that reference nothing have 0, others one
    /// more than the highest that they reference. Models of a cycle share a level.
    pub fn levels(&self) -> BTreeMap<&'static str, usize> {
        let mut levels = BTreeMap::new();
        // Tarjan's groups come in reverse topological order: targets first.
        for group in tarjan_scc(&self.graph) {
            let below = group
                .iter()
                .flat_map(|&node| self.graph.neighbors(node))
                .filter_map(|target| levels.get(self.graph[target].table))
                .max();
            let level = below.map_or(0, |below: &usize| below + 1);
            levels.extend(group.iter().map(|&node| (self.graph[node].table, level)));
        }
        levels
    }

    /// Every model with what it depends on, in the order in which models are enacted.
    pub fn listing(&self) -> Vec<Dependencies> {
        let levels = self.levels();
        let mut listing: Vec<_> = self
            .nodes
            .values()
            .map(|&node| {
                let model = self.graph[node];
                Dependencies {
                    model: model.name,
                    table: model.table,
                    crate_name: model.crate_name,
                    level: levels.get(model.table).copied().unwrap_or(0),
                    depends_on: self.dependencies(node),
                }
            })
            .collect();
        listing.sort_by_key(|entry| (entry.level, entry.model));
        listing
    }

    fn dependencies(&self, node: NodeIndex) -> Vec<Dependency> {
        let mut dependencies: Vec<_> = self
            .graph
            .edges(node)
            .map(|edge| Dependency {
                model: self.graph[edge.target()].name,
                column: edge.weight().column,
                required: !edge.weight().nullable,
            })
            .collect();
        dependencies.sort_by_key(|dependency| dependency.column);
        dependencies
    }

    fn references_itself(&self, node: NodeIndex, counts: impl Fn(&Reference) -> bool) -> bool {
        self.graph.edges(node).any(|edge| edge.target() == node && counts(edge.weight()))
    }

    /// One way round within a strongly connected group, from its first model by name.
    fn cycle_text(&self, group: &[NodeIndex], counts: impl Fn(&Reference) -> bool) -> String {
        let name = |node: NodeIndex| self.graph[node].name;
        let Some(start) = group.iter().copied().min_by_key(|&node| name(node)) else {
            return String::new();
        };
        // Breadth first from the start, within the group, until an edge leads back.
        let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for edge in self.graph.edges(node).filter(|edge| counts(edge.weight())) {
                let target = edge.target();
                if target == start {
                    let mut path = vec![name(start), name(node)];
                    let mut at = node;
                    while let Some(&before) = came_from.get(&at).filter(|_| at != start) {
                        path.push(name(before));
                        at = before;
                    }
                    path.reverse();
                    return path.join(" → ");
                }
                if group.contains(&target) && !came_from.contains_key(&target) {
                    came_from.insert(target, node);
                    queue.push_back(target);
                }
            }
        }
        String::new()
    }
}

#[cfg(test)]
mod tests;
