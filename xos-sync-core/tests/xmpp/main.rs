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
mod world;

use xos_sync_core::event::{Change, Publisher, XmppPublisher};

use crate::{
    server::{shared, with_node},
    world::Listener,
};

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
