//! One process per Synchronizer and file.

use crate::crash::Site;

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_has_ended() {
    let site = Site::new().await;
    let mut first = site.start("start");
    assert_eq!(first.reports().as_deref(), Some("at start"));
    let url = site.world.url();
    let refused = format!(
        "the Synchronizer folder already runs on {url} in another process: stop that one first (one process \
         per Synchronizer and SQLite file; its lock is {url}-folder.lock)"
    );
    assert_eq!(site.start("start").reports(), Some(refused));
    // Another Synchronizer is welcome.
    site.world.farm("farm").await;
    assert_eq!(site.world.pass().await.enacted, 1);
    // The system frees the lock, also after kill -9.
    first.kill();
    let mut next = site.start("start");
    assert_eq!(next.reports().as_deref(), Some("at start"));
    next.kill();
}

#[tokio::test]
async fn a_second_synchronizer_of_the_same_name_in_one_program_is_refused() {
    let site = Site::new().await;
    let first = site.world.synchronizer().await;
    let error = site.world.builder().build().await.err().unwrap().to_string();
    assert!(error.starts_with("the Synchronizer farm already runs on "), "{error}");
    drop(first);
    site.world.synchronizer().await;
}

#[tokio::test]
async fn what_a_killed_process_said_of_itself_is_not_shown() {
    let site = Site::new().await;
    let world = &site.world;
    let said = r#"{"feeds":[{"name":"bus","up":false,"since":1,"message":"gone","received":0,"dropped":0}],"limits":[]}"#;
    world
        .sql(&format!(
            "INSERT INTO xos_sync_members (member, synchronizer, place, lease_until, shown) \
             VALUES ('farm', 'farm', '', 9223372036854775807, '{said}')"
        ))
        .await;
    assert!(!world.shown().await.contains("feed bus"));
    let running = world.synchronizer().await;
    assert!(world.shown().await.contains("feed bus of farm is down"), "{}", world.shown().await);
    drop(running);
    assert!(!world.shown().await.contains("feed bus"));
}
