//! An author's model that references core models, and joins across the two crates.
#![deny(missing_docs, warnings)]

use diesel::prelude::*;
use xos_sync_core::{
    Id, Model, model,
    models::{Slice, sites, slices},
};

/// A folder that a slice's instances share.
#[model(table = folders, unique(slice_id, path))]
pub struct Folder {
    /// Its key.
    pub id: Id<Folder>,
    /// Whose.
    #[references(Slice, on_delete = cascade)]
    pub slice_id: Id<Slice>,
    /// Where it appears.
    pub path: String,
}

xos_sync_core::joins!(folders, slices);

fn main() {
    assert_eq!((Folder::INFO.references[0].target)(), Slice::INFO);
    let joined = folders::table
        .inner_join(slices::table.on(slices::id.eq(folders::slice_id)))
        .select((folders::path, slices::name));
    assert!(
        diesel::debug_query::<diesel::sqlite::Sqlite, _>(&joined)
            .to_string()
            .contains("INNER JOIN `slices`")
    );
    let core = slices::table
        .inner_join(sites::table.on(sites::id.eq(slices::site_id)))
        .select((slices::name, sites::login_base));
    assert!(
        diesel::debug_query::<diesel::sqlite::Sqlite, _>(&core)
            .to_string()
            .contains("INNER JOIN `sites`")
    );
}
