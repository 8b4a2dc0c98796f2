//! Deletions that go on to others, and rows that nobody observes.

use xos_sync_core::{Id, Registry, model};

use crate::world::{Answer, SyncCrops, World, models, step};

/// A barn.
#[model(table = barns)]
pub struct Barn {
    /// Its key.
    pub id: Id<Barn>,
    /// Its name.
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A stall lives inside a barn.
#[model(table = stalls)]
pub struct Stall {
    /// Its key.
    pub id: Id<Stall>,
    /// Its name.
    pub name: String,
    /// Where it is.
    #[references(Barn, on_delete = cascade)]
    pub barn_id: Id<Barn>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A trough lives inside a stall.
#[model(table = troughs)]
pub struct Trough {
    /// Its key.
    pub id: Id<Trough>,
    /// Its name.
    pub name: String,
    /// Where it is.
    #[references(Stall, on_delete = cascade)]
    pub stall_id: Id<Stall>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncBarns, Barn, synchronizer = "farm", interval = 3600);
step!(SyncStalls, Stall, synchronizer = "farm", interval = 3600);
step!(SyncTroughs, Trough, synchronizer = "farm", interval = 3600);

fn barns() -> Registry {
    let models = Registry::default().model::<Barn>().unwrap().model::<Stall>().unwrap();
    models
        .model::<Trough>()
        .unwrap()
        .step(SyncBarns::registration())
        .step(SyncStalls::registration())
        .step(SyncTroughs::registration())
}

async fn barn_world() -> World {
    let world = World::of(barns).await;
    world.sql("INSERT INTO barns (name) VALUES ('barn'), ('other barn')").await;
    world.sql("INSERT INTO stalls (name, barn_id) VALUES ('stall', 1), ('other stall', 2)").await;
    world
        .sql("INSERT INTO troughs (name, stall_id) VALUES ('trough', 1), ('other trough', 2)")
        .await;
    world.pass().await;
    world.backend.log();
    world
}

#[tokio::test]
async fn a_deletion_goes_on_to_what_lives_inside_children_first() {
    let world = barn_world().await;
    world.shell("DELETE FROM barns WHERE name = 'barn'");
    assert_eq!(world.pass().await.deleted, 3);
    assert_eq!(world.backend.log(), ["delete trough", "delete stall", "delete barn"]);
    assert_eq!(world.backend.names(), ["other barn", "other stall", "other trough"]);
}

#[tokio::test]
async fn a_child_that_cannot_be_deleted_holds_its_parents() {
    let world = barn_world().await;
    world.backend.answer("delete trough", Answer::Terminal("it is bolted down"));
    world.sql("DELETE FROM barns WHERE name = 'barn'").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete trough"]);
    assert_eq!(
        world.troubles().await,
        [
            "Trough trough (#1) failed (terminal, 1 time, waits for a changed goal): it is bolted down",
            "Barn barn (#1) deleting: waits until Stall #1 no longer references it (barn_id)",
            "Stall stall (#1) deleting: waits until Trough #1 no longer references it (stall_id)",
        ]
    );
}

#[tokio::test]
async fn rows_of_models_that_nobody_observes_are_removed_in_order() {
    let world = World::of(models_with_crops).await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("crop", &field).await;
    world.pass().await;
    world.backend.answer("delete crop", Answer::Fail("not ripe"));
    world.sql("DELETE FROM crops").await;
    world.sql("DELETE FROM fields").await;
    world.sql("DELETE FROM farms").await;
    // The backend still has the crop: the field has to stay, and the farm with it.
    assert_eq!(world.pass().await.deleted, 0);
    assert_eq!(
        world.troubles().await,
        [
            "Crop crop (#1) failed (transient, 1 time): not ripe",
            "Farm farm (#1) deleting: waits until Field #1 no longer references it (farm_id)",
            "Field field (#1) deleting: waits until Crop #1 no longer references it (field_id)",
        ]
    );
    world.backend.heal("delete crop");
    world.skip(std::time::Duration::from_secs(2));
    assert_eq!(world.pass().await.deleted, 3);
    assert_eq!(world.backend.log(), ["sync crop", "delete crop", "delete crop"]);
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}

fn models_with_crops() -> Registry {
    models().step(SyncCrops::registration())
}

#[tokio::test]
async fn rows_that_reference_each_other_are_deleted_in_order() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    for name in ["pole", "bean", "vine"] {
        world.crop(name, &field).await;
    }
    world.sql("UPDATE crops SET support_id = id - 1 WHERE id > 1").await;
    world.pass().await;
    assert_eq!(
        world.backend.log(),
        ["sync farm", "sync field", "sync pole", "sync bean", "sync vine"]
    );
    world.sql("DELETE FROM crops").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete vine", "delete bean", "delete pole"]);
}

#[tokio::test]
async fn a_row_that_references_itself_can_be_deleted() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("vine", &field).await;
    world.pass().await;
    world.sql("UPDATE crops SET support_id = id").await;
    world.pass().await;
    world.sql("DELETE FROM crops").await;
    assert_eq!(world.pass().await.deleted, 1);
    assert_eq!(world.backend.log(), ["sync farm", "sync field", "sync vine", "delete vine"]);
}
