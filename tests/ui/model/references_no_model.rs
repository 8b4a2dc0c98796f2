use xos_sync_core::{Id, model};

#[derive(Debug, Clone, PartialEq)]
pub struct Site;

#[model(table = folders)]
pub struct Folder {
    /// Its key.
    pub id: Id<Folder>,
    #[references(Site)]
    pub site_id: Id<Site>,
}

fn main() {}
