use xos_sync_core::{Id, model};

#[model(table = folders)]
pub struct Folder {
    /// Its key.
    pub id: Id<Folder>,
    pub name: String,
    #[references(Folder, on_delete = cascade)]
    pub parent_id: Option<Id<Folder>>,
}

fn main() {}
