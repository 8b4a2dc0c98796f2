//! Rows that are enacted for a time only, reasons for programs, and what a call knows of itself.

use std::time::Duration;

use xos_sync_core::{
    Context, Micros, Outcome, Reason, Registry, Row, StepError, StepResult, SyncStep,
    error::BackendClass, sync_step,
};

use crate::world::{Answer, Backend, Farm, Running, World, models, until};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_row_that_is_enacted_for_a_time_is_synced_again_after_it() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.backend.answer("sync farm", Answer::Until(60 * DAY));
    world.pass().await;
    // Enacted meanwhile: rows that reference it do not wait.
    assert_eq!(world.backend.log(), ["sync farm", "sync field"]);
    assert!(world.status().await.is_settled());
    world.skip(60 * DAY - Duration::from_micros(1));
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    for _ in 0..2 {
        world.skip(Duration::from_micros(1));
        world.pass().await;
        assert_eq!(world.backend.log(), ["sync farm"]);
        world.skip(60 * DAY - Duration::from_micros(1));
    }
}

#[tokio::test]
async fn what_a_later_call_says_of_the_time_counts() {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("sync farm", Answer::Until(60 * DAY));
    world.pass().await;
    world.sql("UPDATE farms SET name = 'barn'").await;
    world.pass().await;
    world.skip(90 * DAY);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn"]);
    assert_eq!(world.ask("resync_at", "FROM farms_sync").await, ["NULL"]);
}

#[tokio::test]
async fn a_row_can_be_enacted_for_ever() {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("sync farm", Answer::Until(Duration::MAX));
    assert_eq!(world.pass().await.enacted, 1);
    assert_eq!(world.pass().await.calls(), 0);
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn a_deleted_row_is_not_synced_again() {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("sync farm", Answer::Until(DAY));
    world.pass().await;
    world.backend.answer("delete farm", Answer::Wait("the cows leave", 3 * DAY));
    world.sql("DELETE FROM farms").await;
    world.pass().await;
    world.skip(2 * DAY);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "delete farm", "delete farm"]);
}

#[tokio::test]
async fn a_running_synchronizer_comes_back_in_time() {
    let world = World::new().await;
    world.backend.answer("sync farm", Answer::Until(Duration::from_millis(50)));
    let running = Running::start(world.builder().clock(Micros::now).build().await.unwrap());
    world.farm("farm").await;
    until("the third time", async || world.backend.lock().log.len() > 2).await;
    running.stop().await;
}

/// Farms that say why.
fn reasonable() -> Registry {
    models().step(ReasonableFarms::registration())
}

/// Says why, and what it knows of the call.
#[sync_step(provides = Farm, synchronizer = "farm", interval = 3600, timeout = 60)]
pub struct ReasonableFarms {
    backend: Backend,
}

const RAINS: Reason = Reason::new("ItRains");

impl SyncStep for ReasonableFarms {
    async fn sync_record(&self, cx: &Context, farm: &mut Row<Farm>) -> StepResult {
        let left = cx.time_left().unwrap_or_default();
        assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(20), "{left:?}");
        let before = farm.bookkeeping().backend_reason.clone();
        let before = before.map_or("nothing".to_owned(), |reason| reason.to_string());
        self.backend.note(format!("{} {} {before}", cx.attempts(), cx.is_first_call()));
        match farm.name.as_str() {
            "wet" => Ok(Outcome::wait(RAINS, "waiting for the sun", DAY)),
            "full" => Err(StepError::transient("no room").because(Reason::QUOTA_EXCEEDED)),
            _ => Ok(Outcome::Done),
        }
    }

    async fn delete_record(&self, _: &Context, _: &Row<Farm>) -> StepResult {
        Ok(Outcome::Done)
    }
}

#[tokio::test]
async fn reasons_stand_beside_the_messages() {
    let world = World::of(reasonable).await;
    world.farm("wet").await;
    world.pass().await;
    let status = world.status().await;
    let object = &status.objects[0];
    assert_eq!((object.class, &object.reason), (Some(BackendClass::Waiting), &Some(RAINS)));
    assert_eq!(world.troubles().await, ["Farm wet (#1) waiting (ItRains): waiting for the sun"]);
    world.sql("UPDATE farms SET name = 'full'").await;
    world.pass().await;
    assert_eq!(
        world.troubles().await,
        ["Farm full (#1) failed (QuotaExceeded, transient, 1 time): no room"]
    );
    world.skip(DAY);
    world.pass().await;
    world.sql("UPDATE farms SET name = 'dry'").await;
    world.pass().await;
    assert_eq!(world.ask("backend_reason", "FROM farms_sync").await, ["NULL"]);
    let calls =
        ["0 true nothing", "0 false ItRains", "1 false QuotaExceeded", "0 false QuotaExceeded"];
    assert_eq!(world.backend.log(), calls);
}
