use xos_sync_core::{Id, model};

#[model(table = sites, table = places)]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    pub name: String,
}

fn main() {}
