use xos_sync_core::{Id, model};

xos_sync_core::choices! {
    pub enum Color {
        Red = "red",
        Green = "green",
    }
}

#[model(table = apples)]
pub struct Apple {
    /// Its key.
    pub id: Id<Apple>,
    #[choice]
    #[default(Color::Blue)]
    pub color: Color,
}

fn main() {}
