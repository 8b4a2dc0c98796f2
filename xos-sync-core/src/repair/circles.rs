//! Deleted rows that were enacted with references to each other: each would keep the other for
//! ever. They go in any order, once nothing outside of their circle keeps one of them.

use std::collections::BTreeMap;

use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use petgraph::{algo::tarjan_scc, graph::DiGraph};

use crate::{db::AnyConnection, former, model::ModelInfo, sql};

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

/// What keeps a deleted row: a reference of another deleted row.
struct Held {
    child: Node,
    by: By,
    parent: Node,
}

/// How it was applied.
#[derive(Clone, Copy)]
enum By {
    /// The column's reference was enacted.
    Enacted(&'static str),
    /// The row has left it, and a call may have been given it.
    Former,
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
        let inside = |edge: &&Held| members.contains(&edge.child) && members.contains(&edge.parent);
        for edge in held.iter().filter(inside) {
            freed += sql_query(edge.forget()).execute(conn)?;
        }
    }
    Ok(freed)
}

impl Held {
    /// The statement that drops the reference.
    fn forget(&self) -> String {
        let Self { child: (table, id), by, parent: (parent, parent_id) } = self;
        match by {
            By::Enacted(column) => format!(
                "UPDATE {table}_sync SET {} = NULL WHERE sync_id = {id} AND deleted",
                sql::applied_reference(column),
            ),
            By::Former => format!(
                "DELETE FROM xos_sync_former WHERE parent = '{parent}' AND parent_id = {parent_id} \
                 AND child = '{table}' AND child_id = {id}"
            ),
        }
    }
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
            let applied = sql::applied_reference(reference.column);
            let enacted = format!(
                "SELECT s.sync_id AS child, p.sync_id AS parent FROM {child}_sync AS s{gone}, {parent}_sync AS p \
                 WHERE s.deleted AND p.deleted AND s.{applied} = p.sync_id AND s.{applied} IS NOT NULL \
                 LIMIT {MOST_EDGES}",
                child = child.table,
                gone = sql::indexed_by(conn.engine(), &sql::gone_index(child)),
                parent = parent.table,
            );
            let (tables, keeping) = former::keeping(conn.engine(), child, parent);
            let former = format!(
                "SELECT s.sync_id AS child, p.sync_id AS parent FROM {tables}, {parent}_sync AS p \
                 WHERE {keeping} AND s.deleted AND p.sync_id = f.parent_id AND p.deleted LIMIT {MOST_EDGES}",
                parent = parent.table,
            );
            for (by, query) in [(By::Enacted(reference.column), enacted), (By::Former, former)] {
                let edges: Vec<Edge> = sql_query(query).load(conn)?;
                held.extend(edges.into_iter().map(|edge| Held {
                    child: (child.table, edge.child),
                    by,
                    parent: (parent.table, edge.parent),
                }));
            }
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
                format!(" AND s.sync_id NOT IN ({inside})")
            };
            let applied = format!(
                "SELECT s.sync_id AS child, s.sync_id AS parent FROM {}_sync AS s \
                 WHERE s.{} IN ({parents}){outside} LIMIT 1",
                child.table,
                sql::applied_reference(reference.column),
            );
            let (tables, keeping) = former::keeping(conn.engine(), child, (reference.target)());
            let former = format!(
                "SELECT s.sync_id AS child, s.sync_id AS parent FROM {tables} \
                 WHERE {keeping} AND f.parent_id IN ({parents}){outside} LIMIT 1"
            );
            let mut keeping: Vec<Edge> = sql_query(applied).load(conn)?;
            keeping.extend(sql_query(former).load::<Edge>(conn)?);
            if !keeping.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
