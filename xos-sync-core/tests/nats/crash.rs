//! The server is killed; what it had acknowledged is there when it is back.

use xos_sync_core::event::{Change, NatsPublisher, Publisher};

use crate::{
    listener::Listener,
    row,
    server::{Server, on},
};

#[tokio::test]
async fn a_server_that_was_killed_is_found_again() {
    let mut server = Server::start();
    let url = on(&server.url, "killed");
    let listener = Listener::start(&url).await;
    listener.until_up().await;
    let mut publisher = NatsPublisher::new(&url).unwrap();
    publisher.publish(&row("before")).await.unwrap();
    listener.until_received(1).await;

    server.kill();
    listener.until("the loss", |status| !status.up).await;
    // Seen by the connection, not by a silence.
    let message = listener.status().message.unwrap();
    assert!(message.contains("connect"), "{message}");
    let error = publisher.publish(&row("meanwhile")).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:") && !error.contains("xos:"), "{error}");
    let refused = |message: &String| message.starts_with("cannot connect to ");
    listener.until("the refusal", |status| status.message.as_ref().is_some_and(refused)).await;

    server.start_again();
    listener.until_up().await;
    publisher.publish(&row("after")).await.unwrap();
    publisher.publish(&Change::of_model("moons")).await.unwrap();
    listener.until("the last change", |status| status.dropped == 1).await;
    // The first may come twice: the server died before it noted the acknowledgement.
    assert!(listener.status().received >= 2);
}

#[tokio::test]
async fn what_is_published_while_the_listener_is_away_outlives_the_server() {
    let mut server = Server::start();
    let url = on(&server.url, "away");
    let named = format!("{url}&consumer=one");
    let listener = Listener::start(&named).await;
    listener.until_up().await;
    drop(listener);

    let mut publisher = NatsPublisher::new(&url).unwrap();
    for at in 0..100 {
        publisher.publish(&row(&format!("row-{at}"))).await.unwrap();
    }
    server.kill();
    server.start_again();
    publisher.publish(&row("last")).await.unwrap();

    let listener = Listener::start(&named).await;
    listener.until_received(101).await;
}
