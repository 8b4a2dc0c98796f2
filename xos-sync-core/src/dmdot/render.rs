//! The graph as text for Graphviz, for Mermaid, and as JSON.

use std::fmt::Write as _;

use petgraph::visit::EdgeRef;

use super::Graph;

impl Graph {
    /// For Graphviz: `dot -Tsvg`. Optional references are dashed.
    pub fn dot(&self) -> String {
        let mut out =
            String::from("digraph models {\n    rankdir = BT;\n    node [shape = box];\n");
        for entry in self.listing() {
            let _ = writeln!(out, "    {:?};", entry.model);
        }
        for (from, to, column, required) in self.edges() {
            let style = if required { "" } else { ", style = dashed" };
            let _ = writeln!(out, "    {from:?} -> {to:?} [label = {column:?}{style}];");
        }
        out.push_str("}\n");
        out
    }

    /// For a README's ```` ```mermaid ```` block. Optional references are dotted.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("graph BT\n");
        for entry in self.listing() {
            let _ = writeln!(out, "    {}", entry.model);
        }
        for (from, to, column, required) in self.edges() {
            let arrow = if required { "-->" } else { "-.->" };
            let _ = writeln!(out, "    {from} {arrow}|{column}| {to}");
        }
        out
    }

    /// [`Graph::listing`] and [`Graph::cycles`] as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "models": self.listing(), "cycles": self.cycles() })
    }

    fn edges(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let mut edges: Vec<_> = self
            .graph
            .edge_references()
            .map(|edge| {
                let (from, to) = (self.graph[edge.source()], self.graph[edge.target()]);
                (from.name, to.name, edge.weight().column, !edge.weight().nullable)
            })
            .collect();
        edges.sort_unstable();
        edges
    }
}
