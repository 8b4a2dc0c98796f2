use xos_sync_core::model;

#[model(table = sites, table = places)]
pub struct Site {
    pub name: String,
}

fn main() {}
