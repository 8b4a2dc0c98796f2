use xos_sync_core::{
    Context, StepResult, SyncStep,
    models::{Site, Slice},
    sync_step,
};

#[sync_step(provides = Site, observes = [Site, Slice], interval = 3600)]
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
