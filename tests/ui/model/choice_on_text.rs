use xos_sync_core::model;

#[model(table = apples)]
pub struct Apple {
    #[choice]
    pub color: String,
}

fn main() {}
