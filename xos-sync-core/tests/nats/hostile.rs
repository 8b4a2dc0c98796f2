//! Messages of others, on a stream that somebody else has made.

use async_nats::{
    ConnectOptions,
    jetstream::{self, Context, stream},
};
use xos_sync_core::event::{NatsPublisher, Publisher};

use crate::{
    listener::{Listener, until},
    row,
    server::shared,
};

/// Somebody else on the same server.
struct Stranger {
    jetstream: Context,
    stream: String,
}

impl Stranger {
    async fn on(url: &str) -> Self {
        let [user, password, address] = parts(url);
        let options = ConnectOptions::with_user_and_password(user, password);
        let client = options.connect(address).await.unwrap();
        let jetstream = jetstream::new(client);
        Self { jetstream, stream: url.split_once("?stream=").unwrap().1.to_owned() }
    }

    /// Takes anything; nothing is replaced.
    async fn makes_the_stream(&self) {
        let config = stream::Config {
            name: self.stream.clone(),
            subjects: vec![format!("xos-sync.{}.>", self.stream)],
            ..stream::Config::default()
        };
        self.jetstream.create_stream(config).await.unwrap();
    }

    async fn publishes(&self, subject: &str, payload: impl Into<Vec<u8>>) -> Result<(), String> {
        let subject = format!("xos-sync.{}.{subject}", self.stream);
        let stored = self.jetstream.publish(subject, payload.into().into()).await.unwrap().await;
        stored.map(drop).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn what_is_no_change_is_dropped_counted_and_acknowledged() {
    let url = shared("hostile");
    let stranger = Stranger::on(&url).await;
    stranger.makes_the_stream().await;
    let listener = Listener::start(&format!("{url}&consumer=victim")).await;
    listener.until_up().await;
    for (subject, payload) in [
        ("farms.a1", b"garbage \xff\x00".to_vec()),
        ("farms.a1", Vec::new()),
        ("farms.a1", vec![b'['; 500_000]),
        ("farms.a1", br#"{"model":"farms","uid":"x' OR 1=1 --"}"#.to_vec()),
        ("foreign.subject", b"a bus is for many".to_vec()),
        ("moons.a1", br#"{"model":"moons","uid":"a1"}"#.to_vec()),
    ] {
        stranger.publishes(subject, payload).await.unwrap();
    }
    // Not of the form that is listened to.
    stranger.publishes("foreign", "deeper.or.shallower").await.unwrap();
    NatsPublisher::new(&url).unwrap().publish(&row("a1")).await.unwrap();
    listener.until_received(1).await;
    assert_eq!(listener.status().dropped, 6);
    let stream = stranger.jetstream.get_stream(&stranger.stream).await.unwrap();
    until("the acknowledgements", async || {
        let info = stream.consumer_info("victim").await.unwrap();
        (info.num_ack_pending, info.num_pending) == (0, 0)
    })
    .await;
    assert_eq!(listener.status().dropped, 6);
}

#[tokio::test]
async fn a_message_that_looks_like_an_answer_of_the_server_stops_nothing() {
    let url = shared("mimicry");
    let stranger = Stranger::on(&url).await;
    stranger.makes_the_stream().await;
    let listener = Listener::start(&url).await;
    listener.until_up().await;
    let since = listener.status().since;
    let mut publisher = NatsPublisher::new(&url).unwrap();
    for (at, status) in
        ["503", "404 No Messages", "400 Bad Request", "999 x"].into_iter().enumerate()
    {
        let subject = format!("xos-sync.{}.farms.a1", stranger.stream);
        server_like(&url, &subject, status);
        publisher.publish(&row(&format!("row-{at}"))).await.unwrap();
        listener.until_received(at as u64 + 1).await;
    }
    assert_eq!(listener.status().dropped, 4);
    assert_eq!((listener.status().up, listener.status().since), (true, since));

    // These the client takes for answers; it is lost by the last one, and comes back.
    for status in ["100 Idle Heartbeat", "408 Request Timeout", "409 Consumer Deleted"] {
        let subject = format!("xos-sync.{}.farms.a1", stranger.stream);
        server_like(&url, &subject, status);
    }
    listener.until("the way back", |status| status.up && status.since != since).await;
    publisher.publish(&row("last")).await.unwrap();
    listener.until_received(5).await;
}

#[tokio::test]
async fn a_stream_that_we_made_is_bounded() {
    let url = shared("bounded");
    let listener = Listener::start(&url).await;
    listener.until_up().await;
    let stranger = Stranger::on(&url).await;
    let error = stranger.publishes("farms.a1", vec![b'x'; 500_000]).await.unwrap_err();
    assert!(error.contains("message size exceeds maximum allowed"), "{error}");
    for at in 0..100 {
        stranger.publishes("farms.a1", format!("garbage {at}")).await.unwrap();
    }
    let stream = stranger.jetstream.get_stream(&stranger.stream).await.unwrap();
    let info = stream.get_info().await.unwrap();
    assert_eq!(info.state.messages, 1);
    assert!(info.config.max_bytes > 0 && !info.config.max_age.is_zero());
}

/// User, password and address.
fn parts(url: &str) -> [String; 3] {
    let (login, rest) = url.trim_start_matches("nats://").split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    [user, password, rest.split('?').next().unwrap()].map(String::from)
}

/// Publishes a message with a status line, which no client does.
fn server_like(url: &str, subject: &str, status: &str) {
    use std::io::{Read, Write};
    let [user, password, address] = parts(url);
    let mut server = std::net::TcpStream::connect(address).unwrap();
    let header = format!("NATS/1.0 {status}\r\n\r\n");
    let length = header.len();
    write!(
        server,
        "CONNECT {{\"user\":\"{user}\",\"pass\":\"{password}\",\"headers\":true,\"verbose\":false}}\r\n\
         HPUB {subject} {length} {length}\r\n{header}\r\nPING\r\n"
    )
    .unwrap();
    let mut heard = Vec::new();
    let mut some = [0; 512];
    while !String::from_utf8_lossy(&heard).contains("PONG\r\n") {
        let read = server.read(&mut some).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&some[..read]);
    }
}
