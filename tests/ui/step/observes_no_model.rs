use xos_sync_core::{Outcome, Context, Row, StepResult, SyncStep, sync_step};

pub struct Place;

#[sync_step(provides = Place, interval = 3600)]
pub struct SyncPlaces;

impl SyncStep for SyncPlaces {
    async fn sync_record(&self, _: &Context, _: &mut Row<Place>) -> StepResult {
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Place>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn main() {}
