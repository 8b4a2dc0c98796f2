use xos_sync_core::{Id, model};

#[model(table = sites)]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    pub sites: String,
}

fn main() {}
