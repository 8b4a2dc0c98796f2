use xos_sync_core::model;

#[model(table = sites)]
pub struct Site {
    pub name: String,
}

fn main() {
    let _ = NewSite::new("Princeton");
}
