use xos_sync_core::{Id, Model, model};

#[model(table = sites)]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    pub name: String,
    pub hosts: Vec<String>,
}

fn main() {
    let _ = NewSite::new("Princeton", vec![]);
    let _ = Site::INFO;
    let _ = sites::name;
}
