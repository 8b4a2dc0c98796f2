//! The instances of a goal state, and changes of them.

use diesel::prelude::*;
use xos_sync_core::models::{Instance, instances as table};

use crate::{Fallible, Sync};

/// All instances.
///
/// # Errors
/// What the database answered.
pub async fn instances(sync: &Sync) -> Fallible<Vec<Instance>> {
    let rows =
        sync.db.run(|conn| table::table.order(table::id).select(Instance::as_select()).load(conn));
    Ok(rows.await?)
}

/// Gives an instance another name.
///
/// # Errors
/// What the database answered.
pub async fn rename(sync: &Sync, name: &'static str, other: &'static str) -> Fallible {
    let change = sync.db.write(move |conn| {
        diesel::update(table::table.filter(table::name.eq(name)))
            .set(table::name.eq(other))
            .execute(conn)
    });
    change.await?;
    Ok(())
}
