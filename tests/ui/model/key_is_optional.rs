use xos_sync_core::{Id, model};

#[model(table = sites)]
pub struct Site {
    pub id: Option<Id<Site>>,
    pub name: String,
}

fn main() {
    let _ = NewSite::new("Princeton");
}
