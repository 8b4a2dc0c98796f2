//! A server that lives on and takes no writes any more.

use std::sync::Arc;

use xos_sync_core::Synchronizer;

use crate::{
    relay::{Fate, Relay},
    server::{Server, query},
    site::Site,
    world::{Running, until},
};

async fn started(site: &Site) -> (Arc<Synchronizer>, Running) {
    let synchronizer = Arc::new(site.builder().build().await.unwrap());
    let running = Running::of(synchronizer.clone());
    until("the feed", async || synchronizer.feeds()[0].up).await;
    (synchronizer, running)
}

/// In all places that tell.
async fn until_troubled(synchronizer: &Synchronizer) {
    until("the trouble", async || {
        let feed = synchronizer.feeds().remove(0);
        let message = synchronizer.trouble().map(|trouble| trouble.message);
        message.is_some_and(|message| {
            message.starts_with("the database refuses every write")
                && feed.message.as_ref() == Some(&message)
                && !feed.up
        })
    })
    .await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes_for_a_while_loses_nothing() {
    let server = Server::start();
    let site = Site::new(&server.url).await;
    let gate = site.backend.gate("sync farm");
    server.sql("INSERT INTO farms (name) VALUES ('farm')");
    let (synchronizer, running) = started(&site).await;
    gate.entered().await;
    server.set_read_only("on");
    gate.open();
    until_troubled(&synchronizer).await;
    server.set_read_only("off");
    until("the stamp", async || site.status().await.is_settled()).await;
    until("the end of the trouble", async || {
        synchronizer.trouble().is_none() && synchronizer.feeds()[0].up
    })
    .await;
    server.sql("INSERT INTO farms (name) VALUES ('next')");
    until("the next one", async || site.status().await.is_settled()).await;
    running.stop().await;
    assert_eq!(site.backend.log(), ["sync farm", "sync next"]);
}

#[tokio::test]
async fn trouble_is_noticed_also_when_nothing_is_written() {
    let server = Server::start();
    let site = Site::new(&server.url).await;
    server.set_read_only("on");
    until("the trouble", async || site.db.trouble().is_some()).await;
    let since = site.db.trouble().unwrap().since;
    let status = site.status().await;
    assert!(status.has_failed());
    assert!(
        status.to_string().starts_with("the database takes no writes: the server is a standby")
    );
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(site.db.trouble().unwrap().since, since);
    server.set_read_only("off");
    until("its end", async || site.db.trouble().is_none()).await;
}

/// The old primary takes no writes, and its sessions live on; the name of the server leads to the new one.
#[tokio::test]
async fn after_a_failover_all_connections_lead_to_the_new_primary() {
    let old = Server::start();
    let relay = Relay::start(&old.url, |_: &mut [u8]| Fate::Pass);
    let site = Site::new(&relay.url).await;
    let (synchronizer, running) = started(&site).await;
    old.sql("INSERT INTO farms (name) VALUES ('before')");
    until("the first", async || site.status().await.models.len() == 1).await;
    until("the first", async || site.status().await.is_settled()).await;
    let new = old.standby();
    old.set_read_only("on");
    until_troubled(&synchronizer).await;
    let caught_up = "SELECT enacted = updated FROM farms_sync";
    until("the copy", async || query(&new.url, caught_up).trim() == "t").await;
    new.promote();
    relay.lead_to(&new.url);
    until("the end of the trouble", async || {
        synchronizer.trouble().is_none() && synchronizer.feeds()[0].up
    })
    .await;
    new.sql("INSERT INTO farms (name) VALUES ('after')");
    until("the second", async || site.backend.names() == ["after", "before"]).await;
    // What is read comes from there too.
    until("its stamp", async || {
        let status = site.status().await;
        status.count(xos_sync_core::status::State::Enacted) == 2
    })
    .await;
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'xos-sync'";
    until("the end of the old sessions", async || old.sql(ours).trim() == "0").await;
    running.stop().await;
    assert_eq!(site.backend.log(), ["sync before", "sync after"]);
}
