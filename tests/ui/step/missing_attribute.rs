use xos_sync_core::{Outcome, Context, Row, StepResult, SyncStep, models::Site};

pub struct SyncSites;

impl SyncStep<Site> for SyncSites {
    async fn sync_record(&self, _: &Context, _: &mut Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn main() {}
