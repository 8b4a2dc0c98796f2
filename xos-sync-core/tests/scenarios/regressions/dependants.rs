//! Who waits for whom, and who does not.

use std::time::Duration;

use xos_sync_core::{Id, Registry, model};

use crate::world::{Answer, Farm, SyncFarms, World, step};

#[tokio::test]
async fn dependants_of_a_failed_step_run_anyway() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("crop", &field).await;
    world.backend.answer("farm", Answer::Fail("no power"));
    for _ in 0..3 {
        world.pass().await;
        world.skip(Duration::from_secs(120));
    }
    assert_eq!(world.backend.log(), ["sync farm"; 3]);
}

#[tokio::test]
async fn one_failure_fails_every_later_object_of_its_group() {
    let world = World::new().await;
    for at in 0..10 {
        let farm = world.farm(&format!("farm{at}")).await;
        world.field(&format!("field{at}"), &farm).await;
    }
    world.backend.answer("farm3", Answer::Fail("no power"));
    let report = world.pass().await;
    assert_eq!((report.enacted, report.failed), (18, 1));
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm3 (#4) failed (transient, 1 time): no power",
            "Field field3 (#4) blocked: blocked by Farm farm3 (#4), which failed: no power",
        ]
    );
}

#[tokio::test]
async fn dependants_stay_in_their_own_backoff_after_the_parent_healed() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("crop", &field).await;
    world.backend.answer("farm", Answer::Fail("no power"));
    for _ in 0..4 {
        world.pass().await;
        world.skip(Duration::from_secs(60));
    }
    assert_eq!(world.backend.log(), ["sync farm"; 4]);
    let waits = "attempts || coalesce(CAST(retry_at AS TEXT), ' at once')";
    assert_eq!(world.ask(waits, "FROM fields_sync").await, ["0 at once"]);
    assert_eq!(world.ask(waits, "FROM crops_sync").await, ["0 at once"]);
    world.backend.heal("farm");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync field", "sync crop"]);
}

#[tokio::test]
async fn purge_cascades_over_live_children() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    let refused = world.try_sql("DELETE FROM farms").await.unwrap_err();
    assert!(
        refused.contains("violates foreign key") || refused.contains("FOREIGN KEY"),
        "{refused}"
    );
    assert_eq!(world.ask("deleted", "FROM farms_sync").await, ["0"]);
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    assert_eq!(world.backend.names(), ["farm", "field"]);
    assert!(!world.get(field.id).await.bookkeeping().deleted);
    world.sql("DELETE FROM fields").await;
    world.sql("DELETE FROM farms").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete field", "delete farm"]);
}

/// A mill, whose column is named after one model and references another.
#[model(table = mills)]
pub struct Mill {
    /// Its key.
    pub id: Id<Mill>,
    /// Its name.
    pub name: String,
    /// The river, though the name says otherwise.
    #[references(River)]
    pub farm_id: Id<River>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A river.
#[model(table = rivers)]
pub struct River {
    /// Its key.
    pub id: Id<River>,
    /// Its name.
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncMills, Mill, synchronizer = "farm", interval = 3600);
step!(SyncRivers, River, synchronizer = "farm", interval = 3600);

fn mills() -> Registry {
    let models = Registry::default().model::<Farm>().unwrap().model::<Mill>().unwrap();
    let models = models.model::<River>().unwrap();
    models
        .step(SyncFarms::registration())
        .step(SyncMills::registration())
        .step(SyncRivers::registration())
}

#[tokio::test]
async fn dependency_by_field_name_instead_of_reference_target() {
    let world = World::of(mills).await;
    world.sql("INSERT INTO farms (name) VALUES ('farm')").await;
    world.sql("INSERT INTO rivers (name) VALUES ('river'), ('dry river')").await;
    world.sql("INSERT INTO mills (name, farm_id) VALUES ('mill', 1), ('dry mill', 2)").await;
    world.backend.answer("farm", Answer::Terminal("no room"));
    world.backend.answer("dry river", Answer::Terminal("no water"));
    world.pass().await;
    assert_eq!(world.backend.names(), ["mill", "river"]);
    assert_eq!(
        world.backend.sorted_log(),
        ["sync dry river", "sync farm", "sync mill", "sync river"]
    );
}

/// A hen may belong to a nest, and a nest to a hen.
#[model(table = hens)]
pub struct Hen {
    /// Its key.
    pub id: Id<Hen>,
    /// Its name.
    pub name: String,
    /// Where it sits.
    #[references(Nest)]
    pub nest_id: Option<Id<Nest>>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A nest.
#[model(table = nests)]
pub struct Nest {
    /// Its key.
    pub id: Id<Nest>,
    /// Its name.
    pub name: String,
    /// Whose it is.
    #[references(Hen)]
    pub hen_id: Option<Id<Hen>>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncHens, Hen, synchronizer = "farm", interval = 3600);
step!(SyncNests, Nest, synchronizer = "farm", interval = 3600);

fn hens() -> Registry {
    let models = Registry::default().model::<Hen>().unwrap().model::<Nest>().unwrap();
    models.step(SyncHens::registration()).step(SyncNests::registration())
}

#[tokio::test]
async fn toposort_that_never_ends_on_a_cycle() {
    let world = World::of(hens).await;
    world.sql("INSERT INTO hens (name) VALUES ('berta'), ('emma'), ('frieda')").await;
    world.sql("INSERT INTO nests (name, hen_id) VALUES ('north', 1), ('south', 2)").await;
    // emma → south → emma; frieda → north → berta is no circle.
    world.sql("UPDATE hens SET nest_id = 2 WHERE name = 'emma'").await;
    world.sql("UPDATE hens SET nest_id = 1 WHERE name = 'frieda'").await;
    let report = world.pass().await;
    assert_eq!(world.backend.log(), ["sync berta", "sync north", "sync frieda"]);
    assert_eq!((report.enacted, report.failed), (3, 0));
    assert_eq!(
        world.troubles().await,
        [
            "Hen emma (#2) blocked: blocked by a circle of rows: \
             Hen emma (#2) → Nest south (#2) → Hen emma (#2)",
            "Nest south (#2) blocked: blocked by a circle of rows: \
             Nest south (#2) → Hen emma (#2) → Nest south (#2)",
        ]
    );
    // A person cuts it.
    world.sql("UPDATE nests SET hen_id = NULL WHERE name = 'south'").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync south", "sync emma"]);
    assert!(world.status().await.is_settled());
}

mod namesake {
    use crate::world::{Field, step};

    step!(SyncFarms, Field, synchronizer = "farm", interval = 3600);
    step!(SyncHens, Field, synchronizer = "other farm", interval = 3600);
}

#[test]
fn two_steps_of_the_same_name_shadow_each_other() {
    let both = crate::world::models()
        .step(SyncFarms::registration())
        .step(namesake::SyncFarms::registration());
    assert_eq!(
        both.check().unwrap_err().to_string(),
        "the Synchronizer farm has two steps named SyncFarms: rename one of them"
    );
    // In another Synchronizer the name is free.
    let apart = crate::world::models().model::<Hen>().unwrap().model::<Nest>().unwrap();
    let apart = apart.step(SyncHens::registration()).step(namesake::SyncHens::registration());
    assert_eq!(apart.check(), Ok(()));
}
