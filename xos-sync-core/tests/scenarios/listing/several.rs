//! One step for several models.

use xos_sync_core::{Context, Outcome, Pending, Registry, StepResult, SyncStep, sync_step};

use crate::world::{Backend, Farm, Field, World, models};

/// Looks after land of both kinds.
#[sync_step(provides = Field, observes = [Farm, Field], synchronizer = "land", interval = 60)]
pub struct KeepLand {
    backend: Backend,
}

impl SyncStep<Farm> for KeepLand {
    async fn fetch_pending(&self, _: &Context, _: &mut Pending<Farm>) -> StepResult {
        self.backend.note("list farms");
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, farm: &mut xos_sync_core::Row<Farm>) -> StepResult {
        self.backend.call("sync", &farm.name, &farm.name).await
    }

    async fn delete_record(&self, _: &Context, farm: &xos_sync_core::Row<Farm>) -> StepResult {
        self.backend.call("delete", &farm.name, &farm.name).await
    }
}

impl SyncStep<Field> for KeepLand {
    async fn sync_record(&self, _: &Context, field: &mut xos_sync_core::Row<Field>) -> StepResult {
        self.backend.call("sync", &field.name, &field.name).await
    }

    async fn delete_record(&self, _: &Context, field: &xos_sync_core::Row<Field>) -> StepResult {
        self.backend.call("delete", &field.name, &field.name).await
    }
}

fn land() -> Registry {
    models().step(KeepLand::registration())
}

#[tokio::test]
async fn a_step_of_two_models_is_called_for_both_in_order() {
    let world = World::of(land).await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.pass().await;
    let log = world.backend.log();
    let calls: Vec<_> = log.iter().filter(|line| line.starts_with("sync ")).collect();
    assert_eq!(calls, ["sync farm", "sync field"]);
    assert_eq!(log.iter().filter(|line| *line == "list farms").count(), 1);
    world.sql("DELETE FROM fields").await;
    world.sql("DELETE FROM farms").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete field", "delete farm"]);
    let entries = "synchronizer || ' ' || step || ' ' || model || ' ' || provides";
    assert_eq!(
        world.ask(entries, "FROM xos_sync_steps ORDER BY model").await,
        ["land KeepLand farms fields", "land KeepLand fields fields"]
    );
}

#[tokio::test]
async fn a_step_that_is_gone_is_struck_from_the_roll() {
    let world = World::of(land).await;
    world.pass().await;
    assert_eq!(world.ask("model", "FROM xos_sync_steps ORDER BY model").await, ["farms", "fields"]);
    // The next version of the program has another step in its place.
    let registry = models().step(OnlyFarms::registration());
    let synchronizer = world.builder().registry(registry).build().await.unwrap();
    synchronizer.pass().await.unwrap();
    assert_eq!(world.ask("step || ' ' || model", "FROM xos_sync_steps").await, ["OnlyFarms farms"]);
}

crate::world::step!(OnlyFarms, Farm, synchronizer = "land", interval = 3600);
