use xos_sync_core::{Outcome, Context, Row, StepResult, SyncStep, models::Site, sync_step};

#[sync_step(provides = Site, interval = 3600)]
pub enum SyncSites {
    Fast,
    Slow,
}

impl SyncStep for SyncSites {
    async fn sync_record(&self, _: &Context, _: &mut Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn main() {}
