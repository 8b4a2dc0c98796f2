use xos_sync_core::model;

#[model(table = sites)]
pub struct Site<T> {
    pub name: T,
}

fn main() {}
