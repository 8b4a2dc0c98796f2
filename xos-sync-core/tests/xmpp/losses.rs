//! Connections that are lost come back.

use xos_sync_core::event::{Change, Publisher, XmppPublisher};

use crate::{
    listener::Listener,
    server::{Server, with_node},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_is_found_again() {
    let server = Server::new();
    let url = with_node(&server.start());
    let listener = Listener::start(&url).await;
    listener.until("the connection", |status| status.up).await;
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    publisher.publish(&Change::of_model("farms")).await.unwrap();
    listener.until("the event", |status| status.received == 1).await;
    server.kill();
    let down = listener.until("the loss", |status| !status.up).await;
    assert!(down.message.is_some(), "{down:?}");
    assert_eq!(down.dropped, 0);
    publisher.publish(&Change::of_model("farms")).await.unwrap_err();
    assert_eq!(server.start(), url.replace(node(&url), "node=changes"));
    listener.until("the connection", |status| status.up).await;
    publisher.publish(&Change::of_model("farms")).await.unwrap();
    listener.until("the next event", |status| status.received == 2).await;
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_more_is_lost() {
    let server = Server::new();
    let url = with_node(&server.start());
    let listener = Listener::start(&url).await;
    listener.until("the connection", |status| status.up).await;
    server.freeze();
    let down = listener.until("the loss", |status| !status.up).await;
    server.thaw();
    assert_eq!(down.message.as_deref(), Some("nothing was heard from the XMPP server for 20 s"));
    listener.until("the connection", |status| status.up).await;
    listener.stop().await;
}

fn node(url: &str) -> &str {
    let from = url.find("node=").unwrap();
    &url[from..from + url[from..].find('&').unwrap()]
}
