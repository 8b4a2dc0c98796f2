//! References that a row has left before it was enacted without them: a call may have applied
//! them, so the parent stays until the row is enacted anew, or gone.
//!
//! What was enacted stands in the bookkeeping (`applied_…`). This is about the calls in between,
//! which were given a reference and whose outcome nobody knows, or knows not yet. The triggers
//! note it in `xos_sync_former`.

use crate::{
    db::Engine,
    model::{ModelInfo, Reference},
    sql,
};

/// What follows the statement that notes it.
const ONCE: &str =
    "ON CONFLICT (parent, parent_id, child, child_id) DO UPDATE SET version = excluded.version";

/// The statements that note the references that a change of the row `OLD` to `NEW` leaves. They
/// come after the change of the bookkeeping.
pub(crate) fn left(engine: Engine, model: &ModelInfo) -> Vec<String> {
    let each = model.references.iter().map(|reference| {
        let column = reference.column;
        let differs = format!("OLD.{column} {} NEW.{column}", is_not(engine));
        let row = "s.object_id = NEW.id AND NOT s.deleted";
        match engine {
            Engine::Sqlite => {
                let condition = format!("{differs} AND {row}");
                note(engine, model, reference, "s.updated", "OLD", &condition)
            }
            Engine::Postgres => {
                let note = note(engine, model, reference, "s.updated", "OLD", row);
                format!("IF {differs} THEN {note}; END IF")
            }
        }
    });
    each.collect()
}

/// The statements that note the references of a row that is being deleted, where it was enacted
/// with others. They come before the change of the bookkeeping.
pub(crate) fn deleted(engine: Engine, model: &ModelInfo, row: &str) -> Vec<String> {
    let each = model.references.iter().map(|reference| {
        let applied = sql::applied_reference(reference.column);
        let condition =
            format!("s.object_id = {row}.id AND NOT s.deleted AND s.{applied} IS NOT NULL");
        note(engine, model, reference, "s.updated + 1", row, &condition)
    });
    each.collect()
}

/// Notes one reference of `row`: the bookkeeping `s` for which the condition holds keeps the parent
/// until it is enacted in this version.
fn note(
    engine: Engine,
    model: &ModelInfo,
    reference: &Reference,
    version: &str,
    row: &str,
    condition: &str,
) -> String {
    let (child, parent) = (model.table, (reference.target)());
    let key = sql::sync_id_of(parent, &format!("{row}.{}", reference.column));
    let applied = sql::applied_reference(reference.column);
    // A trigger's own row needs no table.
    let rows =
        if matches!(row, "OLD" | "NEW") { String::new() } else { format!(", {child} AS {row}") };
    format!(
        "INSERT INTO xos_sync_former (parent, parent_id, child, child_id, version) \
         SELECT '{parent}', f.parent_id, '{child}', f.child_id, f.version FROM \
         (SELECT {key} AS parent_id, s.sync_id AS child_id, {version} AS version, s.{applied} AS applied \
         FROM {child}_sync AS s{rows} WHERE {condition}) AS f \
         WHERE f.parent_id IS NOT NULL AND f.parent_id {is_not} f.applied {ONCE}",
        parent = parent.table,
        is_not = is_not(engine),
    )
}

/// The condition under which a call for the row (its bookkeeping is `s`) may have begun. It is asked
/// when the parent is to be removed, because the snapshot of the writer may have been too old to see
/// that a call has begun.
fn may_have_been_called(engine: Engine, model: &ModelInfo) -> String {
    let position = match engine {
        Engine::Sqlite => "instr",
        Engine::Postgres => "strpos",
    };
    format!(
        "s.enacted IS NOT NULL OR s.attempted OR EXISTS \
         (SELECT 1 FROM xos_sync_journal AS j WHERE j.model = '{}' \
         AND {position}(',' || j.ids || ',', ',' || CAST(s.sync_id AS TEXT) || ',') > 0)",
        model.table
    )
}

/// A condition on what keeps parents: `f` of the parent's table, `s` the child's bookkeeping.
pub(crate) fn keeping(engine: Engine, child: &ModelInfo, parent: &ModelInfo) -> (String, String) {
    let tables = format!("xos_sync_former AS f, {}_sync AS s", child.table);
    let condition = format!(
        "f.parent = '{}' AND f.child = '{}' AND s.sync_id = f.child_id \
         AND (s.enacted IS NULL OR s.enacted < f.version) AND ({})",
        parent.table,
        child.table,
        may_have_been_called(engine, child)
    );
    (tables, condition)
}

/// The statement that forgets what keeps nothing any more.
pub(crate) fn forget(models: &[&'static ModelInfo]) -> Vec<String> {
    let each = models.iter().filter(|model| !model.references.is_empty()).map(|child| {
        let table = child.table;
        format!(
            "DELETE FROM xos_sync_former WHERE child = '{table}' AND NOT EXISTS \
             (SELECT 1 FROM {table}_sync AS s WHERE s.sync_id = child_id \
             AND (s.enacted IS NULL OR s.enacted < version))"
        )
    });
    each.collect()
}

/// The query for the bookkeeping of the parent that a deleted row (the key of its bookkeeping is
/// `child_id`) references as `id`: the object that had this key then, whoever has it now.
pub(crate) fn parent_of(
    child: &ModelInfo,
    child_id: i64,
    parent: &ModelInfo,
    id: i64,
) -> Option<String> {
    let to_parent = child.references.iter().filter(|reference| (reference.target)() == parent);
    let applied: Vec<_> = to_parent
        .map(|reference| format!("s.{} = p.sync_id", sql::applied_reference(reference.column)))
        .collect();
    (!applied.is_empty()).then(|| {
        format!(
            "SELECT p.sync_id AS id FROM {parent}_sync AS p, {child}_sync AS s \
             WHERE p.object_id = {id} AND s.sync_id = {child_id} AND ({applied} OR EXISTS \
             (SELECT 1 FROM xos_sync_former AS f WHERE f.parent = '{parent}' AND f.parent_id = p.sync_id \
             AND f.child = '{child}' AND f.child_id = s.sync_id)) ORDER BY p.sync_id DESC LIMIT 1",
            parent = parent.table,
            child = child.table,
            applied = applied.join(" OR "),
        )
    })
}

fn is_not(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "IS NOT",
        Engine::Postgres => "IS DISTINCT FROM",
    }
}
