//! Contract C9: a change reaches its step by events, and any of them may be lost, doubled or
//! come at the wrong moment. The safety poll is an hour away in all of these.

use std::time::Duration;

use async_trait::async_trait;
use xos_sync_core::{
    Context, Pending, Registry, StepResult, SyncStep,
    event::{Event, Feed, FeedError, Inbox},
    sync_step,
};

use crate::world::{
    Answer, Backend, Farm, Field, Running, SyncFarms, World, in_time, living, models, step, until,
};

#[tokio::test]
async fn a_change_by_another_program_is_seen() {
    let world = World::new().await;
    let running = world.start().await;
    world.shell("INSERT INTO farms (name) VALUES ('farm')");
    until("the farm", async || world.backend.names() == ["farm"]).await;
    world.shell("UPDATE farms SET name = 'barn'");
    until("its new name", async || world.backend.names() == ["barn"]).await;
    world.shell("DELETE FROM farms");
    until("its deletion", async || world.backend.names().is_empty()).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn", "delete barn"]);
}

#[tokio::test]
async fn a_change_by_the_same_program_is_seen() {
    let world = World::new().await;
    let running = world.start().await;
    let farm = world.farm("farm").await;
    until("the farm", async || world.backend.names() == ["farm"]).await;
    world.field("field", &farm).await;
    until("the field", async || world.backend.names() == ["farm", "field"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync field"]);
}

#[tokio::test]
async fn a_storm_of_events_causes_no_call() {
    let world = World::new().await;
    world.farm("farm").await;
    let running = world.start().await;
    until("the farm", async || world.backend.names() == ["farm"]).await;
    for _ in 0..10 {
        for _ in 0..100 {
            running.handle.send(Event::Changed);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Changes of no goal, by another program.
    world.shell("UPDATE farms SET backend_id = 'x'; UPDATE farms SET name = name");
    world.farm("last").await;
    until("the last farm", async || world.backend.names() == ["farm", "last"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync last"]);
}

#[tokio::test]
async fn many_changes_while_a_call_runs_become_one_more_call() {
    let world = World::new().await;
    world.farm("farm").await;
    let call = world.backend.gate("sync farm");
    let running = world.start().await;
    call.entered().await;
    for at in 0..20 {
        world.shell(&format!("UPDATE farms SET name = 'name{at}'"));
    }
    call.open();
    until("the last name", async || world.backend.names() == ["name19"]).await;
    running.stop().await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync name19"]);
}

#[tokio::test]
async fn a_goal_that_flaps_back_while_a_call_runs_is_synced_again() {
    let world = World::new().await;
    world.farm("a").await;
    let call = world.backend.gate("sync a");
    let running = world.start().await;
    call.entered().await;
    world.shell("UPDATE farms SET name = 'b'; UPDATE farms SET name = 'a'");
    call.open();
    until("the second call", async || world.backend.lock().log.len() == 2).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync a", "sync a"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_change_in_many_rows_at_once_reaches_each_once() {
    let world = World::new().await;
    let running = world.start().await;
    world.shell(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
         INSERT INTO farms (name) SELECT 'f' || i FROM n",
    );
    until("all farms", async || world.backend.lock().things.len() == 3000).await;
    running.stop().await;
    assert_eq!(world.backend.log().len(), 3000);
    assert_eq!(world.ask("count(*)", "FROM farms_sync WHERE enacted = updated").await, ["3000"]);
}

#[tokio::test]
async fn a_parent_that_heals_wakes_its_children_without_an_event_of_theirs() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.backend.answer("farm", Answer::Terminal("no room"));
    let running = world.start().await;
    until("the failure", async || world.troubles().await.iter().any(|t| t.contains(") failed")))
        .await;
    world.backend.heal("farm");
    // Somebody asks for it to be tried again.
    world.shell("UPDATE farms_sync SET retry_at = NULL");
    until("both", async || world.backend.names() == ["farm", "field"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync farm", "sync field"]);
}

/// Lists its backend, when it is told to.
#[sync_step(provides = Farm, synchronizer = "farm", interval = 3600)]
pub struct ListFarms {
    backend: Backend,
}

impl SyncStep for ListFarms {
    async fn fetch_pending(&self, _: &Context, _: &mut Pending<Farm>) -> StepResult {
        self.backend.call("list", "farms", "list").await
    }

    async fn sync_record(&self, _: &Context, farm: &mut xos_sync_core::Row<Farm>) -> StepResult {
        self.backend.call("sync", &farm.name, &farm.name).await
    }

    async fn delete_record(&self, _: &Context, farm: &xos_sync_core::Row<Farm>) -> StepResult {
        self.backend.call("delete", &farm.name, &farm.name).await
    }
}

fn with_listing() -> Registry {
    models().step(ListFarms::registration())
}

#[tokio::test]
async fn come_round_makes_every_step_list_its_backend_now() {
    let world = World::of(with_listing).await;
    let running = world.start().await;
    until("the first listing", async || world.backend.lock().log.len() == 1).await;
    running.handle.send(Event::ComeRound);
    until("the second listing", async || world.backend.lock().log.len() == 2).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["list farms", "list farms"]);
}

#[tokio::test]
async fn come_round_that_comes_while_a_listing_runs_is_not_lost() {
    let world = World::of(with_listing).await;
    let listing = world.backend.gate("list farms");
    let running = world.start().await;
    listing.entered().await;
    running.handle.send(Event::ComeRound);
    // The event has been seen when something that came after it is done.
    world.farm("farm").await;
    until("the farm", async || world.backend.names() == ["farm"]).await;
    listing.open();
    until("the second listing", async || world.backend.lock().log.len() == 3).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["list farms", "sync farm", "list farms"]);
}

#[tokio::test]
async fn a_shutdown_finishes_what_was_begun_and_begins_nothing() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    let call = world.backend.gate("sync farm");
    let running = world.start().await;
    call.entered().await;
    let stopped = running.ask_to_stop();
    world.farm("too late").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!stopped.is_finished());
    call.open();
    in_time("the shutdown", stopped).await.unwrap();
    assert_eq!(world.backend.log(), ["sync farm"]);
    assert_eq!(
        world
            .ask(
                "name || CASE WHEN enacted = updated THEN 1 ELSE 0 END",
                &format!("{} WHERE enacted IS NOT NULL", living("farms"))
            )
            .await,
        ["farm1"]
    );
    assert_eq!(world.ask("ids", "FROM xos_sync_journal").await, [""; 0]);
    // The next run does the rest.
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["sync field", "sync too late"]);
}

#[tokio::test]
async fn events_before_the_start_and_after_the_end_do_no_harm() {
    let world = World::new().await;
    let synchronizer = world.synchronizer().await;
    let handle = synchronizer.handle();
    handle.send(Event::ComeRound);
    handle.send(Event::Changed);
    let running = Running::start(synchronizer);
    world.farm("farm").await;
    until("the farm", async || world.backend.names() == ["farm"]).await;
    running.stop().await;
    handle.send(Event::Changed);
    assert_eq!(world.backend.log(), ["sync farm"]);
}

step!(OtherFields, Field, synchronizer = "other", interval = 3600);

#[tokio::test]
async fn two_synchronizers_in_one_program_wake_each_other() {
    let world =
        World::of(|| models().step(SyncFarms::registration()).step(OtherFields::registration()))
            .await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    let call = world.backend.gate("sync farm");
    let other = Running::start(world.builder().name("other").build().await.unwrap());
    let running = Running::start(world.builder().name("farm").build().await.unwrap());
    call.entered().await;
    // The other one has found nothing that it could do.
    until("the other's first look", async || {
        world.ask("last_run", "FROM xos_sync_steps WHERE synchronizer = 'other'").await != ["NULL"]
    })
    .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    call.open();
    until("the field", async || world.backend.names() == ["farm", "field"]).await;
    running.stop().await;
    other.stop().await;
}

/// A feed that is never connected.
struct Lost;

#[async_trait]
impl Feed for Lost {
    fn name(&self) -> String {
        "a bus far away".into()
    }

    async fn listen(&mut self, _: &Inbox) -> Result<std::convert::Infallible, FeedError> {
        Err("no route to amqp://me:secret@host".into())
    }
}

#[tokio::test]
async fn a_feed_that_is_down_is_shown_and_costs_nothing_else() {
    let world = World::new().await;
    let synchronizer = world.builder().feed(Lost).lease(Duration::from_secs(1)).build().await;
    let running = Running::start(synchronizer.unwrap());
    world.farm("farm").await;
    until("the farm", async || world.backend.names() == ["farm"]).await;
    until("the feed", async || {
        let shown = world.shown().await;
        let line =
            shown.lines().find(|line| line.starts_with("feed a bus far away of farm is down"));
        line.is_some_and(|line| line.ends_with(": no route to amqp://me:***@host"))
    })
    .await;
    running.stop().await;
    assert!(!world.shown().await.contains("feed"));
}
