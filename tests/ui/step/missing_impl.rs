use xos_sync_core::{models::Site, sync_step};

#[sync_step(provides = Site, interval = 3600)]
pub struct SyncSites;

fn main() {}
