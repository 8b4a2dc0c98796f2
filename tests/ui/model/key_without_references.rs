use xos_sync_core::{Id, model};

#[model(table = sites)]
pub struct Site {
    pub name: String,
}

#[model(table = users)]
pub struct User {
    pub site_id: Id<Site>,
}

fn main() {}
