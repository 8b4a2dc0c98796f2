use xos_sync_core::{Id, model};

#[model(table = sites)]
pub struct Site {
    #[unique]
    pub id: Id<Site>,
    pub name: String,
}

fn main() {
    let _ = NewSite::new("Princeton");
}
