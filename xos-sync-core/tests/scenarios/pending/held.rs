//! Rows that are held back, and rows that can never go.

use crate::world::World;

#[tokio::test]
async fn a_row_that_is_never_to_be_synced_holds_back_nobody() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.sql("UPDATE farms_sync SET no_sync = TRUE").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync field"]);
    assert!(world.status().await.is_settled());
    // Its goal is kept for later.
    world.sql("UPDATE farms_sync SET no_sync = FALSE").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn a_row_that_waits_to_be_needed_holds_back_its_children() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.sql("UPDATE farms_sync SET lazy_blocked = TRUE").await;
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    assert_eq!(
        world.troubles().await,
        ["Field field (#1) blocked: blocked by Farm farm (#1), which is held back (lazy_blocked)"]
    );
    world.sql("UPDATE farms_sync SET lazy_blocked = FALSE").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync field"]);
}

#[tokio::test]
async fn an_enacted_row_that_changes_holds_back_its_children_until_it_is_enacted_again() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.pass().await;
    world.sql("UPDATE farms SET name = 'barn'").await;
    world.field("field", &farm).await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn", "sync field"]);
}

#[tokio::test]
async fn a_change_of_a_parent_is_none_of_its_children() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.sql("UPDATE farms SET name = 'barn'").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync field", "sync barn"]);
}

#[tokio::test]
async fn a_row_that_references_itself_is_shown_as_a_circle() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    let crop = world.crop("vine", &field).await;
    world.sql(&format!("UPDATE crops SET support_id = {}", crop.id.raw())).await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync field"]);
    assert_eq!(
        world.troubles().await,
        ["Crop vine (#1) blocked: blocked by a circle of rows: Crop vine (#1) → Crop vine (#1)"]
    );
}
