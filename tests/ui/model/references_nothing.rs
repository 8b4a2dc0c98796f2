use xos_sync_core::{Id, model, models::Site};

#[model(table = folders)]
pub struct Folder {
    /// Its key.
    pub id: Id<Folder>,
    #[references]
    pub site_id: Id<Site>,
}

fn main() {}
