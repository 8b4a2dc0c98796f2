use xos_sync_core::{Id, model};

#[model(table = sites)]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    pub name: String,
}

#[model(table = users)]
pub struct User {
    /// Its key.
    pub id: Id<User>,
    pub site_id: Id<Site>,
}

fn main() {}
