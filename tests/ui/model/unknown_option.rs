use xos_sync_core::model;

#[model(table = sites, uniqe(name))]
pub struct Site {
    pub name: String,
}

fn main() {}
