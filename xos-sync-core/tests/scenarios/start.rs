//! What stops a start, word by word.

use xos_sync_core::{Registry, Synchronizer};

use crate::world::{Backend, Farm, SyncFarms, SyncFields, World, models, registry, step};

step!(OtherFarms, Farm, synchronizer = "other", interval = 3600);

/// What a start with this registry says.
async fn refusal(world: &World, registry: Registry) -> String {
    world.builder().registry(registry).build().await.err().unwrap().to_string()
}

#[tokio::test]
async fn registries_that_do_not_fit_are_refused() {
    let world = World::new().await;
    let farms = || Registry::default().model::<Farm>().unwrap();
    for (registry, message) in [
        (
            models(),
            "no step is linked into this program: a crate that is listed in Cargo.toml but never named links to \
             nothing; name the crate that holds the steps in main.rs, for instance `use xos_sync_ec2 as _;`",
        ),
        (
            farms().step(SyncFarms::registration()).step(SyncFields::registration()),
            "the step SyncFields names the model Field, which is not registered: add it to the registry",
        ),
        (
            Registry::default()
                .model::<crate::world::Field>()
                .unwrap()
                .step(SyncFields::registration()),
            "Field.farm_id names the model Farm, which is not registered: add it to the registry",
        ),
        (
            farms().step(SyncFarms::registration()).step(SyncFarms::registration()),
            "the Synchronizer farm has two steps named SyncFarms: rename one of them",
        ),
        (
            farms().step(SyncFarms::registration()).step(OtherFarms::registration()),
            "the steps farm/SyncFarms and other/OtherFarms both observe all rows of Farm: let one step do it, or \
             give each of them `only = \"…\"` with an SQL condition on its own rows",
        ),
    ] {
        assert_eq!(refusal(&world, registry).await, message);
    }
}

#[tokio::test]
async fn a_backend_that_is_missing_is_named_with_its_step_and_field() {
    let world = World::new().await;
    let builder = || Synchronizer::builder().db(world.db.clone()).registry(registry());
    let error = builder().build().await.err().unwrap().to_string();
    let expected = format!(
        "step SyncFarms needs a backend of type {}::world::backend::Backend for its field `backend`, and none is \
         registered: add it with `Synchronizer::builder().backend(…)`, or link one with \
         `xos_sync_core::backend!` (registered: none)",
        env!("CARGO_CRATE_NAME")
    );
    assert_eq!(error, expected);
    let error = builder().backend(7_u8).backend("text").build().await.err().unwrap().to_string();
    assert!(error.ends_with("(registered: &str, u8)"), "{error}");
}

#[tokio::test]
async fn a_synchronizer_that_is_not_there_is_refused_with_those_that_are() {
    let world = World::new().await;
    let error = world.builder().name("fram").build().await.err().unwrap().to_string();
    assert_eq!(error, "there is no Synchronizer `fram`; this program has: farm");
    let two =
        || models().step(SyncFarms::registration()).step(other_fields::SyncFields::registration());
    assert_eq!(
        refusal(&world, two()).await,
        "say which Synchronizer is meant; this program has: farm, other"
    );
    assert!(world.builder().registry(two()).name("other").build().await.is_ok());
}

mod other_fields {
    use crate::world::{Field, step};

    step!(SyncFields, Field, synchronizer = "other", interval = 3600);
}

#[tokio::test]
async fn a_database_that_was_not_said_is_asked_for() {
    let builder = Synchronizer::builder().registry(registry()).backend(Backend::default());
    assert_eq!(
        builder.build().await.err().unwrap().to_string(),
        "no database is set: `.database(\"sqlite://PATH\")`"
    );
}

#[tokio::test]
async fn a_program_with_more_models_than_the_database_is_refused() {
    let world = World::of(|| Registry::default().model::<Farm>().unwrap()).await;
    let builder = Synchronizer::builder()
        .db(world.db.clone())
        .registry(registry())
        .backend(Backend::default());
    assert_eq!(
        builder.build().await.err().unwrap().to_string(),
        "the database is not up to date: it lacks: table crops; run the `migrate` command first"
    );
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_with_the_least() {
    let world = World::new().await;
    let refusal = async |builder: xos_sync_core::synchronizer::Builder| {
        builder.build().await.err().unwrap().to_string()
    };
    assert_eq!(
        refusal(world.builder().calls(0)).await,
        "0 calls at once are too few: a Synchronizer needs at least 1"
    );
    let lease = std::time::Duration::from_millis(1);
    assert_eq!(
        refusal(world.builder().lease(lease)).await,
        "a lease of 1ms is too short: it lasts at least 1s"
    );
    let builder = Synchronizer::builder().database(world.url()).registry(registry());
    assert_eq!(
        refusal(builder.backend(world.backend.clone()).connections(2)).await,
        "2 connections are too few: a database needs at least 3"
    );
}
