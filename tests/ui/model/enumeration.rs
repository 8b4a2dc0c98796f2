use xos_sync_core::model;

#[model(table = colors)]
pub enum Color {
    Red,
    Green,
}

fn main() {}
