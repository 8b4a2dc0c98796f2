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
#[path = "nats/server.rs"]
mod server;
#[path = "nats/world.rs"]
mod world;

use xos_sync_core::event::{Change, NatsFeed, NatsPublisher, Publisher};

use crate::{
    server::shared,
    world::{Listener, row, until},
};

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
    until("the last change", async || listener.status().dropped == 1).await;
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
    until("the last change", async || listener.status().dropped == 1).await;
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
    until("the refusal", async || listener.status().message.as_ref() == Some(&message)).await;
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
