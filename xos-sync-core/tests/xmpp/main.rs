//! Events over XMPP, through a real server.

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

mod hostile;
mod login;
mod losses;
mod raw;
mod server;

#[allow(dead_code, reason = "the tests of each bus use a part of it")]
#[path = "../feeds/listener.rs"]
mod listener;
#[cfg(feature = "postgres")]
#[path = "../feeds/restarts.rs"]
mod restarts;

// What restarts are gone through with.
#[cfg(feature = "postgres")]
#[allow(dead_code, unused_imports, unused_macros, reason = "others use the rest")]
#[path = "../postgres/relay.rs"]
mod relay;
#[cfg(feature = "postgres")]
#[allow(dead_code, unused_imports, unused_macros, reason = "others use the rest")]
#[path = "../scenarios/world/mod.rs"]
mod world;

use xos_sync_core::event::{Change, Publisher, XmppPublisher};

use crate::{
    listener::Listener,
    server::{shared, with_node},
};

/// The engine of the world that restarts are gone through with.
#[cfg(feature = "postgres")]
pub const ENGINE: xos_sync_core::db::Engine = xos_sync_core::db::Engine::Postgres;

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_server_that_restarts_again_and_again_costs_only_time() {
    restarts::again_and_again(server::Server::new()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn what_changes_while_the_server_is_away_is_found_when_it_is_back() {
    restarts::found_when_it_is_back(server::Server::new()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn the_safety_poll_finds_what_changes_while_the_server_is_away() {
    restarts::found_by_the_poll(server::Server::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_change_arrives() {
    let url = with_node(&shared());
    let listener = Listener::start(&url).await;
    listener.until("the connection", |status| status.up).await;
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    let change = Change { model: "farms".into(), uid: Some("a-1".into()), updated: Some(7) };
    publisher.publish(&change).await.unwrap();
    let status = listener.until("the event", |status| status.received == 1).await;
    assert_eq!((status.dropped, status.message), (0, None));
    let service = publisher.name();
    assert!(service.starts_with("xmpp pubsub.localhost node-"), "{service}");
    assert_eq!(service, status.name);
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_changes_arrive() {
    let url = with_node(&shared());
    let (one, two) = (Listener::start(&url).await, Listener::start(&url).await);
    for listener in [&one, &two] {
        listener.until("the connection", |status| status.up).await;
    }
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    for at in 0..500 {
        let uid = Some(format!("farm-{at}"));
        publisher.publish(&Change { model: "farms".into(), uid, updated: None }).await.unwrap();
    }
    for listener in [one, two] {
        let status = listener.until("all events", |status| status.received >= 500).await;
        assert_eq!((status.received, status.dropped), (500, 0));
        listener.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_publishes_first_makes_the_node() {
    let url = with_node(&shared());
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    publisher.publish(&Change::of_model("farms")).await.unwrap();
    let listener = Listener::start(&url).await;
    listener.until("the connection", |status| status.up).await;
    publisher.publish(&Change::of_model("farms")).await.unwrap();
    listener.until("the event", |status| status.received == 1).await;
    listener.stop().await;
}
