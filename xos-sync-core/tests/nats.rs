//! Events by NATS JetStream, with a real server and the whole framework behind the feed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]
#![allow(
    unreachable_pub,
    reason = "models are public, and nothing of a test is reached from outside"
)]

#[path = "nats/crash.rs"]
mod crash;
#[path = "nats/hostile.rs"]
mod hostile;
#[allow(dead_code, reason = "the tests of each bus use a part of it")]
#[path = "feeds/listener.rs"]
mod listener;
#[cfg(feature = "postgres")]
#[path = "feeds/restarts.rs"]
mod restarts;
#[path = "nats/server.rs"]
mod server;

// What restarts are gone through with.
#[cfg(feature = "postgres")]
#[allow(dead_code, unused_imports, unused_macros, reason = "others use the rest")]
#[path = "postgres/relay.rs"]
mod relay;
#[cfg(feature = "postgres")]
#[allow(dead_code, unused_imports, unused_macros, reason = "others use the rest")]
#[path = "scenarios/world/mod.rs"]
mod world;

use xos_sync_core::{
    Micros,
    event::{Change, NatsFeed, NatsPublisher, Publisher},
};

use crate::{listener::Listener, server::shared};

/// The engine of the world that restarts are gone through with.
#[cfg(feature = "postgres")]
pub const ENGINE: xos_sync_core::db::Engine = xos_sync_core::db::Engine::Postgres;

fn row(uid: &str) -> Change {
    Change::of_row("farms", uid, Micros(1_700_000_000_000_000))
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_server_that_restarts_again_and_again_costs_only_time() {
    restarts::again_and_again(server::Server::start()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn what_changes_while_the_server_is_away_is_found_when_it_is_back() {
    restarts::found_when_it_is_back(server::Server::start()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn the_safety_poll_finds_what_changes_while_the_server_is_away() {
    restarts::found_by_the_poll(server::Server::start()).await;
}

#[tokio::test]
async fn a_change_that_is_published_arrives() {
    let url = shared("arrives");
    let listener = Listener::start(&url).await;
    listener.until_up().await;
    let mut publisher = NatsPublisher::new(&url).unwrap();
    publisher.publish(&row("a1")).await.unwrap();
    publisher.publish(&Change::of_model("farms")).await.unwrap();
    listener.until_received(2).await;
    assert_eq!(listener.status().dropped, 0);
    assert_eq!(listener.status().message, None);
}

#[tokio::test]
async fn a_thousand_changes_arrive_once_each() {
    let url = shared("thousand");
    let listener = Listener::start(&url).await;
    listener.until_up().await;
    let mut publisher = NatsPublisher::new(&url).unwrap();
    for at in 0..1_000 {
        publisher.publish(&row(&format!("row-{at}"))).await.unwrap();
    }
    publisher.publish(&Change::of_model("moons")).await.unwrap();
    listener.until("the last change", |status| status.dropped == 1).await;
    assert_eq!(listener.status().received, 1_000);
}

#[tokio::test]
async fn every_listener_hears_all() {
    let url = shared("every");
    let listeners = [
        Listener::start(&url).await,
        Listener::start(&url).await,
        Listener::start(&format!("{url}&consumer=third")).await,
    ];
    for listener in &listeners {
        listener.until_up().await;
    }
    let mut publisher = NatsPublisher::new(&url).unwrap();
    for at in 0..20 {
        publisher.publish(&row(&format!("row-{at}"))).await.unwrap();
    }
    for listener in &listeners {
        listener.until_received(20).await;
    }
}

#[tokio::test]
async fn what_changes_again_and_again_while_nobody_listens_is_one_event() {
    let url = shared("coalesces");
    let named = format!("{url}&consumer=only");
    let listener = Listener::start(&named).await;
    listener.until_up().await;
    drop(listener);
    let mut publisher = NatsPublisher::new(&url).unwrap();
    for _ in 0..50 {
        publisher.publish(&row("a1")).await.unwrap();
    }
    publisher.publish(&row("b2")).await.unwrap();
    publisher.publish(&Change::of_model("moons")).await.unwrap();
    let listener = Listener::start(&named).await;
    listener.until("the last change", |status| status.dropped == 1).await;
    assert_eq!(listener.status().received, 2);
}

#[tokio::test]
async fn a_change_that_nobody_would_read_holds_up_no_other() {
    let url = shared("unreadable");
    let listener = Listener::start(&url).await;
    listener.until_up().await;
    let mut publisher = NatsPublisher::new(&url).unwrap();
    for change in [row("x' OR 1=1 --"), row(""), Change::of_model("m".repeat(5_000))] {
        publisher.publish(&change).await.unwrap();
    }
    publisher.publish(&row("a1")).await.unwrap();
    listener.until_received(1).await;
    assert_eq!(listener.status().dropped, 0);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_shown() {
    let url = shared("refused");
    let (before, after) = url.split_once("xos:").unwrap();
    let (_, host) = after.split_once('@').unwrap();
    let wrong = format!("{before}xos:wr0ng-s3cret@{host}");
    let address = host.split('?').next().unwrap();
    let message = format!(
        "{address} refuses who we are: check the user and the password, or the token, in the NATS URL"
    );

    let listener = Listener::start(&wrong).await;
    listener.until("the refusal", |status| status.message.as_ref() == Some(&message)).await;
    assert!(!listener.status().up);
    let mut publisher = NatsPublisher::new(&wrong).unwrap();
    assert_eq!(publisher.publish(&row("a1")).await.unwrap_err().to_string(), message);

    for shown in [
        format!("{publisher:?} {}", publisher.name()),
        format!("{:?}", NatsFeed::new(&wrong).unwrap()),
        format!("{:?}", listener.status()),
    ] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
