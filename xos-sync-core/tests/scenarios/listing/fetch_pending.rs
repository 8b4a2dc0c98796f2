//! A step's own `fetch_pending`: what it notes, when it comes round, and when it fails.

use std::time::Duration;

use xos_sync_core::{
    Context, Id, Outcome, Pending, Registry, StepError, StepResult, SyncStep, sync_step,
};

use crate::world::{Answer, Backend, Farm, NewFarm, World, in_time, models, not_unique};

/// Lists the backend: `new …` there is added here, `drifted …` is synced again.
#[sync_step(provides = Farm, synchronizer = "farm", interval = 60, timeout = 1)]
pub struct AdoptFarms {
    backend: Backend,
}

impl SyncStep for AdoptFarms {
    async fn fetch_pending(&self, _: &Context, pending: &mut Pending<Farm>) -> StepResult {
        let Outcome::Done = self.backend.call("list", "farms", "list").await? else {
            unreachable!()
        };
        self.backend.lock().things.remove("list");
        let new: Vec<_> =
            self.backend.names().into_iter().filter(|name| name.starts_with("new ")).collect();
        for name in new {
            let known = name.trim_start_matches("new ").to_owned();
            self.backend.lock().things.retain(|_, thing| *thing != name);
            pending
                .add(vec![NewFarm { backend_id: Some("adopted".into()), ..NewFarm::new(known) }])
                .await?;
        }
        let drifted = self.backend.lock().things.contains_key("drifted");
        if drifted {
            self.backend.lock().things.remove("drifted");
            pending.sync_again([Id::new(1)]).await?;
        }
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, farm: &mut xos_sync_core::Row<Farm>) -> StepResult {
        let known = farm.backend_id.clone().unwrap_or("unknown".into());
        self.backend.note(format!("sync {} ({known})", farm.name));
        if farm.name == "stop" { Err(StepError::terminal("stop")) } else { Ok(Outcome::Done) }
    }

    async fn delete_record(&self, _: &Context, farm: &xos_sync_core::Row<Farm>) -> StepResult {
        self.backend.note(format!("delete {}", farm.name));
        Ok(Outcome::Done)
    }
}

fn adopting() -> Registry {
    models().step(AdoptFarms::registration())
}

fn thing(world: &World, uid: &str, name: &str) {
    world.backend.lock().things.insert(uid.into(), name.into());
}

#[tokio::test]
async fn what_a_listing_adds_is_synced_in_the_same_pass() {
    let world = World::of(adopting).await;
    thing(&world, "1", "new a");
    thing(&world, "2", "new b");
    let report = world.pass().await;
    assert_eq!((report.noted, report.enacted), (2, 2));
    assert_eq!(world.backend.sorted_log(), ["list farms", "sync a (adopted)", "sync b (adopted)"]);
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
}

#[tokio::test]
async fn what_an_adopted_row_stands_for_is_deleted_with_it() {
    let world = World::of(adopting).await;
    thing(&world, "1", "new stop");
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["list farms", "sync stop (adopted)", "delete stop"]);
}

#[tokio::test]
async fn what_has_drifted_is_synced_again_at_once() {
    let world = World::of(adopting).await;
    world.farm("stop").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["list farms", "sync stop (unknown)"]);
    // Also a row that waits for a changed goal.
    thing(&world, "drifted", "");
    world.skip(Duration::from_secs(60));
    let report = world.pass().await;
    assert_eq!((report.noted, report.failed), (1, 1));
    assert_eq!(world.backend.log(), ["list farms", "sync stop (unknown)"]);
}

#[tokio::test]
async fn a_step_comes_round_once_each_interval_also_across_restarts() {
    let world = World::of(adopting).await;
    for (skip, lists) in [(0, 1), (0, 0), (59, 0), (1, 1), (600, 1), (59, 0)] {
        world.skip(Duration::from_secs(skip));
        world.pass().await;
        assert_eq!(world.backend.log(), vec!["list farms"; lists], "after {skip} s");
    }
}

#[tokio::test]
async fn a_listing_that_fails_is_shown_and_tried_again_with_a_growing_wait() {
    let world = World::of(adopting).await;
    world.farm("farm").await;
    world.backend.answer("list farms", Answer::Fail("the cloud is away"));
    let report = world.pass().await;
    // What is pending without it goes on.
    assert_eq!(world.backend.sorted_log(), ["list farms", "sync farm (unknown)"]);
    assert_eq!(report.trouble.as_deref(), Some("AdoptFarms: the cloud is away"));
    assert_eq!(world.troubles().await, ["step farm/AdoptFarms (1 failures): the cloud is away"]);
    let wait = async || {
        let at: i64 = world.ask("retry_at", "FROM xos_sync_steps").await[0].parse().unwrap();
        Duration::from_micros(u64::try_from(at - world.now().0).unwrap())
    };
    for full in [1, 2, 4, 8] {
        let wait = wait().await;
        let full = Duration::from_secs(full);
        assert!((full / 2..=full).contains(&wait), "{wait:?} of {full:?}");
        world.pass().await;
        assert_eq!(world.backend.log(), [""; 0]);
        world.skip(wait);
        world.pass().await;
        assert_eq!(world.backend.log(), ["list farms"]);
    }
    assert_eq!(world.troubles().await, ["step farm/AdoptFarms (5 failures): the cloud is away"]);
    world.backend.heal("list farms");
    world.skip(Duration::from_secs(60));
    world.pass().await;
    assert_eq!(world.troubles().await, [""; 0]);
    assert_eq!(
        world.ask("attempts || coalesce(backend_status, '-')", "FROM xos_sync_steps").await,
        ["0-"]
    );
}

#[tokio::test]
async fn a_listing_that_hangs_or_panics_is_a_failed_listing() {
    for (answer, message) in [
        (Answer::Panic("no page 2"), "the step AdoptFarms panicked: no page 2"),
        (
            Answer::Hang,
            "the step AdoptFarms did not return within 1 s and was given up; what it had begun is unknown",
        ),
    ] {
        let world = World::of(adopting).await;
        world.farm("farm").await;
        world.backend.answer("list farms", answer);
        let report = in_time("the pass", world.pass()).await;
        assert_eq!(report.enacted, 1);
        assert_eq!(
            world.troubles().await,
            [format!("step farm/AdoptFarms (1 failures): {message}")]
        );
    }
}

#[tokio::test]
async fn a_terminal_listing_still_comes_round_with_the_next_interval() {
    let world = World::of(adopting).await;
    world.backend.answer("list farms", Answer::Terminal("no such region"));
    world.pass().await;
    world.skip(Duration::from_secs(59));
    world.pass().await;
    assert_eq!(world.backend.log(), ["list farms"]);
    world.skip(Duration::from_secs(1));
    world.pass().await;
    assert_eq!(world.backend.log(), ["list farms"]);
}

#[tokio::test]
async fn rows_that_are_there_already_cannot_be_added_twice() {
    let world = World::of(adopting).await;
    world.farm("a").await;
    thing(&world, "1", "new a");
    world.pass().await;
    let troubles = world.troubles().await;
    assert_eq!(
        troubles,
        [format!(
            "step farm/AdoptFarms (1 failures): the database refused: {}",
            not_unique("farms", "name")
        )]
    );
    assert_eq!(world.ask("name", "FROM farms").await, ["a"]);
}
