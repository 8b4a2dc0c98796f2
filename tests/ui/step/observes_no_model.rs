use xos_sync_core::{Context, StepResult, SyncStep, sync_step};

pub struct Place;

#[sync_step(provides = Place, interval = 3600)]
pub struct SyncPlaces;

#[async_trait::async_trait]
impl SyncStep for SyncPlaces {
    async fn sync_record(&self, _: &Context, _: &mut Place) -> StepResult {
        Ok(())
    }

    async fn delete_record(&self, _: &Context, _: &Place) -> StepResult {
        Ok(())
    }
}

fn main() {}
