use xos_sync_core::sync_step;

#[sync_step(provides = xos_sync_core::models::Site, interval = 3600)]
pub struct SyncSites<B> {
    backend: B,
}

fn main() {}
