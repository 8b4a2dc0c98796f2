//! `updated` grows with every change of the goal, and with nothing else.

use std::time::Duration;

use crate::world::{Answer, World};

/// Far in the future: 2100-01-01.
const FUTURE: &str = "4102444800000000";

#[tokio::test]
async fn a_version_grows_also_when_the_clock_was_put_back() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    // As if it had been written when the clock was ahead.
    world.shell(&format!("UPDATE farms_sync SET updated = {FUTURE}"));
    world.pass().await;
    assert_eq!(world.ask("enacted", "FROM farms_sync").await, [FUTURE]);
    world.shell("UPDATE farms SET name = 'barn'");
    assert_eq!(world.ask(&format!("updated - {FUTURE}"), "FROM farms_sync").await, ["1"]);
    world.pass().await;
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync farm", "sync barn"]);
    assert_eq!(world.ask("enacted = updated", "FROM farms_sync").await, ["1"]);
}

#[tokio::test]
async fn changes_within_one_tick_have_versions_of_their_own() {
    let world = World::new().await;
    world.farm("farm").await;
    let changes: String = (0..200)
        .map(|at| format!("UPDATE farms SET name = 'name{at}'; SELECT updated FROM farms_sync;"))
        .collect();
    let versions: Vec<i64> = world
        .shell(&format!("BEGIN; {changes} COMMIT"))
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(versions.len(), 200);
    assert!(versions.is_sorted_by(|before, after| before < after), "{versions:?}");
}

#[tokio::test]
async fn what_the_framework_writes_is_no_change_of_the_goal() {
    let world = World::new().await;
    world.farm("farm").await;
    let before = world.ask("updated", "FROM farms_sync").await;
    for answer in [
        Answer::Fail("no power"),
        Answer::Wait("it boots", Duration::from_secs(1)),
        Answer::Panic("oh"),
        Answer::Terminal("no room"),
    ] {
        world.backend.answer("farm", answer);
        world.pass().await;
        assert_eq!(world.ask("updated", "FROM farms_sync").await, before);
        world.skip(Duration::from_secs(60));
    }
    world.backend.heal("farm");
    world.sql("UPDATE farms_sync SET retry_at = NULL").await;
    world.pass().await;
    assert_eq!(world.ask("updated", "FROM farms_sync").await, before);
    assert_eq!(world.ask("enacted", "FROM farms_sync").await, before);
    assert_eq!(world.backend.log(), ["sync farm"; 5]);
}

#[tokio::test]
async fn what_is_written_into_backend_and_bookkeeping_columns_is_no_change_of_the_goal() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let before = world.ask("updated", "FROM farms_sync").await;
    for change in [
        "farms SET backend_id = 'another'",
        "farms SET backend_id = NULL",
        "farms_sync SET backend_status = 'seen', backend_class = 'transient', attempts = 3, retry_at = 1",
        "farms_sync SET no_sync = TRUE, lazy_blocked = TRUE",
        "farms SET name = name",
    ] {
        world.shell(&format!("UPDATE {change}"));
        assert_eq!(world.ask("updated", "FROM farms_sync").await, before, "{change}");
    }
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn a_deletion_is_a_change_of_the_goal_and_happens_once() {
    let world = World::new().await;
    world.farm("farm").await;
    let version = async || world.ask("updated", "FROM farms_sync").await[0].parse::<i64>().unwrap();
    let mut versions = vec![version().await];
    for change in ["UPDATE farms SET name = 'barn'", "DELETE FROM farms"] {
        world.shell(change);
        versions.push(version().await);
    }
    assert!(versions.is_sorted_by(|before, after| before < after), "{versions:?}");
    // Deleted already: nothing changes.
    world.shell("DELETE FROM farms; UPDATE farms SET name = 'x'");
    assert_eq!(version().await, versions[2]);
}
