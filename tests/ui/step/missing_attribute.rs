use xos_sync_core::{Context, StepResult, SyncStep, models::Site};

pub struct SyncSites;

#[async_trait::async_trait]
impl SyncStep<Site> for SyncSites {
    async fn sync_record(&self, _: &Context, _: &mut Site) -> StepResult {
        Ok(())
    }

    async fn delete_record(&self, _: &Context, _: &Site) -> StepResult {
        Ok(())
    }
}

fn main() {}
