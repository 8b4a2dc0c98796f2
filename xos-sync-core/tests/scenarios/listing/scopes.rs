//! Steps that share a model by `only`.

use xos_sync_core::{Id, Registry, db::Engine, model, sync_step};

use crate::world::{World, step, until};

/// A pond.
#[model(table = ponds)]
pub struct Pond {
    /// Its key.
    pub id: Id<Pond>,
    /// Its name.
    pub name: String,
    /// Of which kind.
    #[default("fresh")]
    pub kind: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A fish in a pond.
#[model(table = fishes)]
pub struct Fish {
    /// Its key.
    pub id: Id<Fish>,
    /// Its name.
    pub name: String,
    /// Where it lives.
    #[references(Pond)]
    pub pond_id: Id<Pond>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncFresh, Pond, synchronizer = "farm", interval = 3600, only = "kind = 'fresh'");
step!(SyncSalt, Pond, synchronizer = "farm", interval = 3600, only = "kind = 'salt'");
step!(SyncFishes, Fish, synchronizer = "farm", interval = 3600);
step!(SyncWrong, Pond, synchronizer = "farm", interval = 3600, only = "colour = 'blue'");

fn ponds() -> Registry {
    let models = Registry::default().model::<Pond>().unwrap().model::<Fish>().unwrap();
    models
        .step(SyncFresh::registration())
        .step(SyncSalt::registration())
        .step(SyncFishes::registration())
}

#[tokio::test]
async fn rows_outside_every_scope_hold_back_nobody() {
    let world = World::of(ponds).await;
    world
        .sql("INSERT INTO ponds (name, kind) VALUES ('a', 'fresh'), ('b', 'salt'), ('c', 'dry')")
        .await;
    world.sql("INSERT INTO fishes (name, pond_id) VALUES ('fa', 1), ('fb', 2), ('fc', 3)").await;
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["sync a", "sync b", "sync fa", "sync fb", "sync fc"]);
    assert!(world.status().await.is_settled());
    // Nobody would delete it from a backend, so it is removed when nothing references it.
    world.sql("DELETE FROM fishes").await;
    world.sql("DELETE FROM ponds").await;
    assert_eq!(world.pass().await.deleted, 6);
    assert_eq!(
        world.backend.sorted_log(),
        ["delete a", "delete b", "delete fa", "delete fb", "delete fc"]
    );
}

#[tokio::test]
async fn a_row_that_moves_to_another_step_is_synced_by_that_one() {
    let world = World::of(ponds).await;
    world.sql("INSERT INTO ponds (name) VALUES ('pond')").await;
    world.pass().await;
    world.sql("UPDATE ponds SET kind = 'salt'").await;
    world.pass().await;
    world.sql("UPDATE ponds SET kind = 'dry'").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync pond", "sync pond"]);
}

#[tokio::test]
async fn a_row_that_moves_to_another_step_is_in_one_call_at_a_time() {
    let world = World::of(ponds).await;
    world.sql("INSERT INTO ponds (name) VALUES ('pond')").await;
    let call = world.backend.gate("sync pond");
    let running = world.start().await;
    call.entered().await;
    world.sql("UPDATE ponds SET kind = 'salt'").await;
    // The other step looks, and looks again.
    for other in ["a", "b"] {
        world.sql(&format!("INSERT INTO ponds (name, kind) VALUES ('{other}', 'salt')")).await;
        until("the other", async || world.backend.names().iter().any(|name| name == other)).await;
    }
    assert_eq!(world.backend.log(), ["sync pond", "sync a", "sync b"]);
    call.open();
    until("the pond", async || world.backend.lock().log.len() == 1).await;
    running.stop().await;
    assert_eq!(world.backend.log(), ["sync pond"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_condition_that_is_no_sql_is_refused_at_the_start() {
    let world = World::of(|| ponds_alone().step(SyncWrong::registration())).await;
    let error = world.synchronizer().await.pass().await.unwrap_err().to_string();
    let reason = match crate::ENGINE {
        Engine::Sqlite => "no such column: colour",
        Engine::Postgres => "column \"colour\" does not exist",
    };
    assert_eq!(
        error,
        format!(
            "the step SyncWrong says only = \"colour = 'blue'\", which is not a condition on the table ponds: \
             the database refused: {reason}"
        )
    );
    assert_eq!(world.backend.log(), [""; 0]);
}

fn ponds_alone() -> Registry {
    Registry::default().model::<Pond>().unwrap()
}

#[test]
fn steps_that_share_a_model_must_all_say_which_rows() {
    let registry =
        ponds_alone().step(SyncFresh::registration()).step(all::SyncPonds::registration());
    assert_eq!(
        registry.check().unwrap_err().to_string(),
        "the steps farm/SyncFresh and other/SyncPonds both observe all rows of Pond: let one step do it, or give \
         each of them `only = \"…\"` with an SQL condition on its own rows"
    );
}

mod all {
    use super::{Pond, step};

    step!(SyncPonds, Pond, synchronizer = "other", interval = 3600);
}

/// Stands for a slice of a pond on another machine.
#[model(table = pond_shadows)]
pub struct PondShadow {
    /// Its key.
    pub id: Id<PondShadow>,
    /// Its name.
    pub name: String,
    /// What it stands for.
    #[references(Pond)]
    pub pond_id: Id<Pond>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// Provides ponds by way of their shadows.
#[sync_step(provides = Pond, observes = PondShadow, synchronizer = "farm", interval = 3600)]
pub struct SyncPondShadows {
    backend: crate::world::Backend,
}

impl xos_sync_core::SyncStep for SyncPondShadows {
    async fn sync_record(
        &self,
        _: &xos_sync_core::Context,
        shadow: &mut xos_sync_core::Row<PondShadow>,
    ) -> xos_sync_core::StepResult {
        self.backend.call("sync", &shadow.name, &shadow.name).await
    }

    async fn delete_record(
        &self,
        _: &xos_sync_core::Context,
        shadow: &xos_sync_core::Row<PondShadow>,
    ) -> xos_sync_core::StepResult {
        self.backend.call("delete", &shadow.name, &shadow.name).await
    }
}

fn shadows() -> Registry {
    let models = ponds_alone().model::<Fish>().unwrap().model::<PondShadow>().unwrap();
    models.step(SyncPondShadows::registration()).step(SyncFishes::registration())
}

#[tokio::test]
async fn children_of_a_provided_row_wait_for_the_rows_that_stand_for_it() {
    let world = World::of(shadows).await;
    world.sql("INSERT INTO ponds (name) VALUES ('pond'), ('bare')").await;
    world.sql("INSERT INTO fishes (name, pond_id) VALUES ('fish', 1), ('bare fish', 2)").await;
    world.sql("INSERT INTO pond_shadows (name, pond_id) VALUES ('east', 1), ('west', 1)").await;
    world.backend.answer("west", crate::world::Answer::Terminal("no water"));
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["sync bare fish", "sync east", "sync west"]);
    assert_eq!(
        world.troubles().await,
        [
            "PondShadow west (#2) failed (terminal, 1 time, waits for a changed goal): no water",
            "Fish fish (#1) blocked: blocked by PondShadow west (#2), which failed: no water",
        ]
    );
    world.backend.heal("west");
    world.sql("UPDATE pond_shadows_sync SET retry_at = NULL").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync west", "sync fish"]);
}

fn shadows_of_synced_ponds() -> Registry {
    shadows().step(SyncFresh::registration())
}

/// What a child really uses is the copy that the proxy row stands for.
#[tokio::test]
async fn children_of_an_observed_row_wait_for_its_proxy_rows_too() {
    let world = World::of(shadows_of_synced_ponds).await;
    world.sql("INSERT INTO ponds (name) VALUES ('pond')").await;
    world.sql("INSERT INTO pond_shadows (name, pond_id) VALUES ('east', 1)").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync pond", "sync east"]);
    world.sql("UPDATE pond_shadows SET name = 'new east'").await;
    world.sql("INSERT INTO fishes (name, pond_id) VALUES ('fish', 1)").await;
    world.backend.answer("new east", crate::world::Answer::Terminal("no water"));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync new east"]);
    assert_eq!(
        world.troubles().await,
        [
            "PondShadow new east (#1) failed (terminal, 1 time, waits for a changed goal): no water",
            "Fish fish (#1) blocked: blocked by PondShadow new east (#1), which failed: no water",
        ]
    );
    world.backend.heal("new east");
    world.sql("UPDATE pond_shadows_sync SET retry_at = NULL").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync new east", "sync fish"]);
    assert!(world.status().await.is_settled());
}
