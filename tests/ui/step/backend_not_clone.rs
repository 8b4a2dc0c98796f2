use xos_sync_core::{Outcome, Context, Row, StepResult, SyncStep, models::Site, sync_step};

pub struct Ec2;

#[sync_step(provides = Site, interval = 3600)]
pub struct SyncSites {
    ec2: Ec2,
}

impl SyncStep for SyncSites {
    async fn sync_record(&self, _: &Context, _: &mut Row<Site>) -> StepResult {
        let _ = &self.ec2;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn main() {}
