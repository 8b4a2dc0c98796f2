//! Where the process is killed, and what the next one makes of it.

use super::Site;

/// Three farms, a field and two crops on the first of them.
async fn site() -> Site {
    let site = Site::new().await;
    let farm = site.world.farm("farm").await;
    site.world.farm("second").await;
    let field = site.world.field("field", &farm).await;
    site.world.crop("crop", &field).await;
    site.world.crop("other crop", &field).await;
    site
}

/// Kills one process at each call's point, one after the other, and lets the last one finish.
async fn kill_at_each(what: &str) -> (Vec<String>, Vec<String>) {
    let site = site().await;
    let mut kills = 0;
    // Each process comes further than the one before it, or begins anew with its first call.
    for call in (1..=5).rev() {
        kills += usize::from(site.kill_at(&format!("{what} {call}")));
    }
    assert!(kills > 0);
    site.finish();
    site.assert_converged(what).await;
    let mut log = site.log();
    log.sort();
    let (created, seen) = log.into_iter().partition(|line| line.starts_with("create "));
    (created, seen)
}

const CREATED_ONCE: [&str; 5] =
    ["create crop", "create farm", "create field", "create other crop", "create second"];

#[tokio::test]
async fn killed_before_the_effect() {
    let (created, _) = kill_at_each("before effect").await;
    assert_eq!(created, CREATED_ONCE);
}

#[tokio::test]
async fn killed_after_the_effect() {
    let (created, seen) = kill_at_each("after effect").await;
    assert_eq!(created, CREATED_ONCE);
    assert!(!seen.is_empty());
}

#[tokio::test]
async fn killed_after_the_backend_columns_were_saved() {
    let (created, _) = kill_at_each("after save").await;
    assert_eq!(created, CREATED_ONCE);
}

/// With the row's uid as token, an answer that was lost launches nothing twice.
#[tokio::test]
async fn double_launch_after_a_crash() {
    let site = Site::new().await;
    site.world.farm("farm").await;
    for _ in 0..3 {
        assert!(site.kill_at("after effect 1"));
    }
    site.finish();
    assert_eq!(site.log(), ["create farm", "see farm", "see farm", "see farm"]);
    site.assert_converged("after effect").await;
}

#[tokio::test]
async fn killed_right_after_the_stamps() {
    let site = site().await;
    assert!(site.kill_at("end"));
    site.assert_converged("end").await;
    site.log();
    site.finish();
    assert_eq!(site.log(), [""; 0]);
}

#[tokio::test]
async fn what_was_stamped_before_the_kill_is_not_done_again() {
    let site = Site::new().await;
    let farm = site.world.farm("farm").await;
    site.world.field("field", &farm).await;
    // The second call is the field's, so the farm's stamp is on disk.
    assert!(site.kill_at("before effect 2"));
    site.finish();
    assert_eq!(site.log(), ["create farm", "create field"]);
}

#[tokio::test]
async fn killed_at_any_moment() {
    let site = site().await;
    site.world
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) \
             INSERT INTO crops (name, field_id) SELECT 'c' || i, 1 FROM n",
        )
        .await;
    for millis in [30, 5, 60, 15, 45, 90] {
        let process = site.start("never");
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        process.kill();
    }
    site.finish();
    site.assert_converged("any moment").await;
    // Where the kill came between an effect and its line, the log has one line less.
    let mut created: Vec<_> =
        site.log().into_iter().filter(|line| line.starts_with("create ")).collect();
    created.sort();
    assert!(created.is_sorted_by(|before, after| before < after), "{created:?}");
}

#[tokio::test]
async fn a_row_deleted_after_a_crash_in_its_very_first_call_is_deleted_from_the_backend() {
    for (point, log) in [
        ("before effect 1", &["miss farm"][..]),
        ("after effect 1", &["create farm", "delete farm"]),
        ("after save 1", &["create farm", "delete farm"]),
    ] {
        let site = Site::new().await;
        site.world.farm("farm").await;
        assert!(site.kill_at(point));
        site.world.shell("DELETE FROM farms");
        site.finish();
        assert_eq!(site.log(), log, "{point}");
        assert_eq!(site.world.ask("name", "FROM farms").await, [""; 0], "{point}");
        site.assert_converged(point).await;
    }
}

#[tokio::test]
async fn killed_while_deleting() {
    for (point, log) in [
        ("before delete 1", &["delete crop", "delete field", "delete farm"][..]),
        ("after delete 1", &["delete crop", "miss crop", "delete field", "delete farm"]),
        ("before delete 2", &["delete crop", "delete field", "delete farm"]),
        ("after delete 2", &["delete crop", "delete field", "miss field", "delete farm"]),
        ("end", &["delete crop", "delete field", "delete farm"]),
    ] {
        let site = Site::new().await;
        let farm = site.world.farm("farm").await;
        let field = site.world.field("field", &farm).await;
        site.world.crop("crop", &field).await;
        site.finish();
        site.log();
        site.world.shell("DELETE FROM crops; DELETE FROM fields; DELETE FROM farms");
        assert!(site.kill_at(point));
        site.finish();
        assert_eq!(site.log(), log, "{point}");
        site.assert_converged(point).await;
    }
}
