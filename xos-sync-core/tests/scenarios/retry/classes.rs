//! What becomes of a row, by the class of its error.

use std::time::Duration;

use crate::world::{Answer, World, hasty_registry};

const SECOND: Duration = Duration::from_secs(1);

async fn after(answer: Answer) -> World {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("farm", answer);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    world
}

#[tokio::test]
async fn a_terminal_error_waits_for_a_changed_goal() {
    let world = after(Answer::Terminal("no such size")).await;
    world.skip(1000 * 24 * 3600 * SECOND);
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    assert_eq!(
        world.troubles().await,
        ["Farm farm (#1) failed (terminal, 1 time, waits for a changed goal): no such size"]
    );
    world.sql("UPDATE farms SET name = 'barn'").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync barn"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_terminal_error_of_a_deletion_waits_too() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.sql("DELETE FROM farms").await;
    world.backend.answer("delete farm", Answer::Terminal("it is protected"));
    world.pass().await;
    world.skip(1000 * 24 * 3600 * SECOND);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "delete farm"]);
    world.backend.heal("delete farm");
    world.sql("UPDATE farms_sync SET retry_at = NULL, attempts = 0").await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete farm"]);
}

#[tokio::test]
async fn a_row_that_waits_is_no_failure_and_comes_back() {
    let world = after(Answer::Wait("the machine boots", 5 * SECOND)).await;
    assert_eq!(world.troubles().await, ["Farm farm (#1) waiting: the machine boots"]);
    assert_eq!(world.ask("attempts", "FROM farms_sync").await, ["0"]);
    world.skip(5 * SECOND - Duration::from_micros(1));
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    world.skip(Duration::from_micros(1));
    world.pass().await;
    world.skip(5 * SECOND);
    world.backend.heal("farm");
    let report = world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync farm"]);
    assert_eq!((report.enacted, report.waiting), (1, 0));
}

#[tokio::test]
async fn waiting_for_the_backend_keeps_the_count_of_failures() {
    let world = after(Answer::Fail("no power")).await;
    world.backend.answer("farm", Answer::Wait("the machine boots", SECOND));
    world.skip(SECOND);
    world.pass().await;
    assert_eq!(world.ask("attempts", "FROM farms_sync").await, ["1"]);
    world.backend.answer("farm", Answer::Fail("no power again"));
    world.skip(SECOND);
    world.pass().await;
    assert_eq!(
        world.troubles().await,
        ["Farm farm (#1) failed (transient, 2 times): no power again"]
    );
}

#[tokio::test]
async fn a_wait_that_the_backend_names_is_kept() {
    let world = after(Answer::RetryAfter("too many requests", 600 * SECOND)).await;
    world.skip(599 * SECOND);
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
    world.skip(SECOND);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn a_wait_that_the_backend_names_is_no_longer_than_a_day() {
    let world = after(Answer::RetryAfter("come back next year", 365 * 24 * 3600 * SECOND)).await;
    world.skip(24 * 3600 * SECOND);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn not_found_is_a_failure_of_a_sync() {
    let world = after(Answer::NotFound).await;
    assert_eq!(
        world.troubles().await,
        ["Farm farm (#1) failed (transient, 1 time): no such thing"]
    );
}

#[tokio::test]
async fn a_panic_is_a_failure_with_its_message() {
    let world = after(Answer::Panic("index out of bounds")).await;
    assert_eq!(
        world.troubles().await,
        [
            "Farm farm (#1) failed (Panicked, transient, 1 time): the step SyncFarms panicked: index out of bounds"
        ]
    );
    world.backend.heal("farm");
    world.skip(SECOND);
    world.pass().await;
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_a_failure_with_its_limit() {
    let world = World::of(hasty_registry).await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("crop", &field).await;
    world.backend.answer("crop", Answer::Hang);
    world.pass().await;
    assert_eq!(
        world.troubles().await,
        [
            "Crop crop (#1) failed (TimedOut, transient, 1 time): the step HastyCrops did not return within 1 s and was \
          given up; what it had begun is unknown"
        ]
    );
}

#[tokio::test]
async fn no_password_of_a_url_is_shown() {
    let world = after(Answer::Fail("GET https://bob:hunter2@cloud/x: refused")).await;
    assert_eq!(
        world.troubles().await,
        ["Farm farm (#1) failed (transient, 1 time): GET https://bob:***@cloud/x: refused"]
    );
}
