use xos_sync_core::{Id, model, models::Slice};

#[model(table = sites)]
pub struct Site {
    pub id: Id<Slice>,
    pub name: String,
}

fn main() {
    let _ = NewSite::new("Princeton");
}
