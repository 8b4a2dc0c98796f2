use xos_sync_core::{Id, model};

#[model(table = sites, uniqe(name))]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    pub name: String,
}

fn main() {}
