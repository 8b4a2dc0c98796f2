use xos_sync_core::{Id, model};

#[model(table = instances)]
pub struct Instance {
    /// Its key.
    pub id: Id<Instance>,
    pub name: String,
    #[backend]
    pub ip: String,
}

fn main() {}
