use xos_sync_core::{Id, model};

#[model]
pub struct Site {
    pub id: Id<Site>,
    pub name: String,
}

fn main() {
    let _ = NewSite::new("Princeton");
}
