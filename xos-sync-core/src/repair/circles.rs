//! Deleted rows that were enacted with references to each other: each would keep the other for
//! ever. They go in any order, once nothing outside of their circle keeps one of them.

use std::collections::BTreeMap;

use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use petgraph::{algo::tarjan_scc, graph::DiGraph};

use crate::{db::AnyConnection, model::ModelInfo, sql};

/// References that are looked at, at most.
const MOST_EDGES: usize = 20_000;

/// A bookkeeping row: its table and key.
type Node = (&'static str, i64);

#[derive(QueryableByName)]
struct Edge {
    #[diesel(sql_type = BigInt)]
    child: i64,
    #[diesel(sql_type = BigInt)]
    parent: i64,
}

/// An applied reference of a deleted row to another deleted row.
struct Held {
    child: Node,
    column: &'static str,
    parent: Node,
}

/// Lets the rows of each circle of deleted rows go that nothing outside keeps; `circular` are the
/// models whose rows can be in one. How many references were dropped.
pub(crate) fn free_circles(
    conn: &mut AnyConnection,
    circular: &[&'static ModelInfo],
    models: &[&'static ModelInfo],
) -> QueryResult<usize> {
    let held = held(conn, circular)?;
    let mut graph: DiGraph<Node, usize> = DiGraph::new();
    let mut nodes = BTreeMap::new();
    for (at, Held { child, parent, .. }) in held.iter().enumerate() {
        let [from, to] = [child, parent]
            .map(|node| *nodes.entry(*node).or_insert_with(|| graph.add_node(*node)));
        graph.add_edge(from, to, at);
    }
    let mut freed = 0;
    for circle in tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1) {
        let members: Vec<Node> = circle.iter().map(|node| graph[*node]).collect();
        if kept_from_outside(conn, models, &members)? {
            continue;
        }
        for Held { child, column, .. } in held
            .iter()
            .filter(|edge| members.contains(&edge.child) && members.contains(&edge.parent))
        {
            freed += sql_query(format!(
                "UPDATE {}_sync SET {} = NULL WHERE sync_id = {} AND deleted",
                child.0,
                sql::applied_reference(column),
                child.1
            ))
            .execute(conn)?;
        }
    }
    Ok(freed)
}

/// Whether any deleted row keeps another.
pub(crate) fn has_kept_rows(
    conn: &mut AnyConnection,
    circular: &[&'static ModelInfo],
) -> QueryResult<bool> {
    Ok(!held(conn, circular)?.is_empty())
}

fn held(conn: &mut AnyConnection, models: &[&'static ModelInfo]) -> QueryResult<Vec<Held>> {
    let mut held = Vec::new();
    for child in models {
        for reference in child.references {
            let parent = (reference.target)();
            if !models.contains(&parent) {
                continue;
            }
            let edges: Vec<Edge> = sql_query(format!(
                "SELECT c.sync_id AS child, p.sync_id AS parent FROM {child}_sync AS c{gone}, {parent}_sync AS p \
                 WHERE c.deleted AND p.deleted AND c.{applied} = p.sync_id AND c.{applied} IS NOT NULL \
                 LIMIT {MOST_EDGES}",
                child = child.table,
                gone = sql::indexed_by(conn.engine(), &sql::gone_index(child)),
                parent = parent.table,
                applied = sql::applied_reference(reference.column),
            ))
            .load(conn)?;
            held.extend(edges.into_iter().map(|edge| Held {
                child: (child.table, edge.child),
                column: reference.column,
                parent: (parent.table, edge.parent),
            }));
        }
    }
    Ok(held)
}

/// Whether a row that is no member keeps one of the members.
fn kept_from_outside(
    conn: &mut AnyConnection,
    models: &[&'static ModelInfo],
    members: &[Node],
) -> QueryResult<bool> {
    let of = |table: &str| sql::list(members.iter().filter(|m| m.0 == table).map(|m| m.1));
    for child in models {
        for reference in child.references {
            let parents = of((reference.target)().table);
            if parents.is_empty() {
                continue;
            }
            let inside = of(child.table);
            let outside = if inside.is_empty() {
                String::new()
            } else {
                format!(" AND sync_id NOT IN ({inside})")
            };
            let keeping: Vec<Edge> = sql_query(format!(
                "SELECT sync_id AS child, sync_id AS parent FROM {}_sync WHERE {} IN ({parents}){outside} LIMIT 1",
                child.table,
                sql::applied_reference(reference.column),
            ))
            .load(conn)?;
            if !keeping.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
