use xos_sync_core::model;

#[model(table = sites)]
pub struct Site {
    /// Its key.
    pub id: Id<Site>,
    pub id: i64,
    pub name: String,
}

fn main() {
    let _ = NewSite::new("Princeton");
}
