use xos_sync_core::{Id, model};

#[model(table = apples)]
pub struct Apple {
    /// Its key.
    pub id: Id<Apple>,
    #[choice]
    pub color: String,
}

fn main() {}
