use xos_sync_core::{Id, model, models};

mod own {
    pub use xos_sync_core::models::Slice as Site;
}

#[model(table = folders)]
pub struct Folder {
    /// Its key.
    pub id: Id<Folder>,
    #[references(models::Site)]
    pub slice_id: Id<own::Site>,
}

fn main() {}
