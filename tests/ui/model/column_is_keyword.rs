use xos_sync_core::{Id, model};

#[model(table = sites)]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    pub order: i32,
}

fn main() {
    let _ = NewSite::new(1);
}
