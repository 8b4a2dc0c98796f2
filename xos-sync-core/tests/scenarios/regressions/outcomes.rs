//! What a call came to, and what was written about it.

use std::time::Duration;

use xos_sync_core::{
    Context, Id, Outcome, Pending, Registry, StepResult, SyncStep, model, sync_step,
};

use crate::world::{Answer, Backend, Farm, World, in_time, living, models, until};

#[tokio::test]
async fn lost_update_stamped_now_after_the_call() {
    let world = World::new().await;
    let farm = world.farm("old").await;
    let call = world.backend.gate("sync old");
    let changed = async {
        call.entered().await;
        world.sql("UPDATE farms SET name = 'new'").await;
        call.open();
    };
    let (report, ()) = tokio::join!(world.pass(), changed);
    assert_eq!(report.enacted, 2);
    assert_eq!(world.backend.log(), ["sync old", "sync new"]);
    assert_eq!(world.backend.names(), ["new"]);
    let farm = world.get(farm.id).await;
    assert_eq!(farm.bookkeeping().enacted, Some(farm.bookkeeping().updated));
}

#[tokio::test]
async fn event_lost_while_a_pass_runs() {
    let world = World::new().await;
    world.farm("slow").await;
    let call = world.backend.gate("sync slow");
    let running = world.start().await;
    call.entered().await;
    // By another program, and through the API; the pass is not over yet.
    world.shell("INSERT INTO farms (name) VALUES ('other')");
    until("the other farm", async || world.backend.names() == ["other"]).await;
    world.shell("UPDATE farms SET name = 'changed' WHERE name = 'slow'");
    call.open();
    until("the changed farm", async || world.backend.names() == ["changed", "other"]).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync slow", "sync other", "sync changed"]);
    assert_eq!(world.ask("enacted = updated", "FROM farms_sync").await, ["1", "1"]);
}

#[tokio::test]
async fn backoff_written_never_read() {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("farm", Answer::Fail("no power"));
    world.pass().await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    assert_eq!(world.troubles().await, ["Farm farm (#1) failed (transient, 1 time): no power"]);
    world.skip(Duration::from_secs(2));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn errors_cut_to_1024_characters() {
    let world = World::new().await;
    world.farm("farm").await;
    let error: &str = "a very long story; ".repeat(60_000 / 19).leak();
    world.backend.answer("farm", Answer::Fail(error));
    world.pass().await;
    assert_eq!(world.ask("backend_status", "FROM farms_sync").await, [error]);
    world.backend.heal("farm");
    world.skip(Duration::from_secs(2));
    world.pass().await;
    assert_eq!(world.ask("backend_status", "FROM farms_sync").await, ["NULL"]);
}

#[tokio::test]
async fn a_skipped_step_counts_as_ok() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.backend.answer("farm", Answer::Terminal("no room"));
    let report = world.pass().await;
    assert_eq!((report.enacted, report.failed, report.waiting), (0, 1, 0));
    assert_eq!(world.ask("enacted", "FROM fields_sync").await, ["NULL"]);
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm (#1) failed (terminal, 1 time, waits for a changed goal): no room",
            "Field field (#1) blocked: blocked by Farm farm (#1), which failed: no room",
        ]
    );
}

/// A house that notes each of its steps.
#[model(table = houses)]
pub struct House {
    /// Its key.
    pub id: Id<House>,
    /// Its name.
    pub name: String,
    /// How far it is.
    #[backend]
    pub floors: Option<i32>,
    /// Who built it.
    #[backend]
    pub builder: Option<String>,
}

/// Saves in the middle of its call, and changes more after it.
#[sync_step(provides = House, synchronizer = "town", interval = 3600)]
pub struct BuildHouses {
    backend: Backend,
}

impl SyncStep for BuildHouses {
    async fn sync_record(&self, cx: &Context, house: &mut xos_sync_core::Row<House>) -> StepResult {
        self.backend.note(format!("build {}", house.name));
        for floors in 1..=3 {
            house.floors = Some(floors);
            cx.save(house).await?;
        }
        house.builder = Some("us".into());
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<House>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn town() -> Registry {
    Registry::default().model::<House>().unwrap().step(BuildHouses::registration())
}

#[tokio::test]
async fn steps_own_save_makes_the_object_pending_again() {
    let world = World::of(town).await;
    let running = world.start().await;
    world.shell("INSERT INTO houses (name) VALUES ('house')");
    until("the house", async || world.ask("enacted = updated", "FROM houses_sync").await == ["1"])
        .await;
    world.shell("UPDATE houses SET floors = 7, builder = 'them'");
    running.stop().await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["build house"]);
    assert_eq!(
        world
            .ask(
                "floors || builder || CASE WHEN enacted = updated THEN 1 ELSE 0 END",
                &living("houses")
            )
            .await,
        ["7them1"]
    );
}

/// Lists everything that it can find, deleted or not.
#[sync_step(provides = Farm, synchronizer = "farm", interval = 60)]
pub struct ListAllFarms {
    backend: Backend,
}

impl SyncStep for ListAllFarms {
    async fn fetch_pending(&self, _: &Context, pending: &mut Pending<Farm>) -> StepResult {
        self.backend.note("list");
        pending.sync_again((1..=4).map(Id::new)).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, farm: &mut xos_sync_core::Row<Farm>) -> StepResult {
        self.backend.call("sync", &farm.name, &farm.name).await
    }

    async fn delete_record(&self, _: &Context, farm: &xos_sync_core::Row<Farm>) -> StepResult {
        self.backend.call("delete", &farm.name, &farm.name).await
    }
}

#[tokio::test]
async fn a_custom_fetch_that_ignores_deletion_makes_live_objects_deleted_and_purged() {
    let world = World::of(|| models().step(ListAllFarms::registration())).await;
    for name in ["a", "b", "c"] {
        world.farm(name).await;
    }
    world.pass().await;
    world.backend.log();
    // The next listing notes the deleted one beside the live ones, and one that never was.
    world.sql("DELETE FROM farms WHERE name = 'b'").await;
    world.backend.answer("delete b", Answer::Fail("still in use"));
    world.skip(Duration::from_secs(61));
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete b", "list", "sync a", "sync c"]);
    world.backend.heal("delete b");
    world.skip(Duration::from_secs(61));
    in_time("the pass", world.pass()).await;
    assert_eq!(world.backend.sorted_log(), ["delete b", "list", "sync a", "sync c"]);
    assert_eq!(world.backend.names(), ["a", "c"]);
    assert_eq!(world.ask("name", "FROM farms ORDER BY id").await, ["a", "c"]);
    assert_eq!(world.ask("count(*)", "FROM farms_sync").await, ["2"]);
}
