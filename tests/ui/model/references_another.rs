use xos_sync_core::{
    Id, model,
    models::{Site, Slice},
};

#[model(table = folders)]
pub struct Folder {
    /// Its key.
    pub id: Id<Folder>,
    #[references(Site)]
    pub slice_id: Id<Slice>,
}

fn main() {}
