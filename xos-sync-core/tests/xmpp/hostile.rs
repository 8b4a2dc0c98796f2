//! What anybody may publish or send.

use xos_sync_core::event::{Change, FeedStatus, Publisher, XmppPublisher};

use crate::{
    listener::Listener,
    raw::Raw,
    server::{Server, shared, with_node},
};

/// Elements in each other, about as many as this server itself survives.
const DEEP: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn items_that_hold_no_change_are_dropped_and_the_next_one_arrives() {
    let url = with_node(&shared());
    let listener = Listener::start(&url).await;
    listener.until("the connection", |status| status.up).await;
    let mut raw = Raw::new(&url).await;
    let giant = "x".repeat(2_000_000);
    let payloads = [
        "<change xmlns='urn:xos-sync:change:1'>garbage</change>".to_owned(),
        "<change xmlns='urn:xos-sync:change:1'/>".to_owned(),
        "<change xmlns='urn:other'>{\"model\":\"farms\"}</change>".to_owned(),
        "<x xmlns='urn:other'><y>&lt;z/></y></x>".to_owned(),
        "<change xmlns='urn:xos-sync:change:1'>{\"model\":\"moons\"}</change>".to_owned(),
        format!("<change xmlns='urn:xos-sync:change:1'>{giant}</change>"),
        format!("<change xmlns='urn:xos-sync:change:1'>{}</change>", "<a/>".repeat(100_000)),
        format!("<x xmlns='urn:other'>{}{}</x>", "<a>".repeat(DEEP), "</a>".repeat(DEEP)),
    ];
    for payload in &payloads {
        raw.publish(payload).await;
    }
    raw.publish("<change xmlns='urn:xos-sync:change:1'>{\"model\":\"farms\"}</change>").await;
    let status = listener.until("the good one", |status| status.received == 1).await;
    assert_eq!(status.dropped, payloads.len() as u64);
    assert!(status.up);
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_that_nobody_can_go_on_after_costs_one_connection() {
    let server = Server::new();
    let url = with_node(&server.start());
    let listener = Listener::start(&url).await;
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    let mut raw = Raw::new(&url).await;
    for (at, payload) in [
        format!("<change xmlns='urn:xos-sync:change:1' a='{}'/>", "x".repeat(100_000)),
        format!("<{}/>", "x".repeat(100_000)),
    ]
    .iter()
    .enumerate()
    {
        let up = listener.until("the connection", |status| status.up).await;
        raw.publish(payload).await;
        let again = |since| move |status: &FeedStatus| status.up && status.since > since;
        let status = listener.until("the connection after it", again(up.since)).await;
        assert_eq!(status.dropped, at as u64 + 1);
        publisher.publish(&Change::of_model("farms")).await.unwrap();
        listener.until("the good one", |status| status.received == at as u64 + 1).await;
    }
    listener.stop().await;
}
