use xos_sync_core::model;

#[model(table = sites)]
pub struct Site {
    pub sites: String,
}

fn main() {}
