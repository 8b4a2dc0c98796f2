//! Bare subscribers of the buses: clients that do nothing but listen.

use std::time::Instant;

use base64::Engine as _;
use futures_util::StreamExt as _;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub enum Subscriber {
    Nats(async_nats::Subscriber),
    Xmpp(Xmpp),
}

impl Subscriber {
    pub async fn start(url: &str) -> Self {
        if url.starts_with("xmpp:") {
            return Self::Xmpp(Xmpp::start(url).await);
        }
        let (login, rest) = url.strip_prefix("nats://").unwrap().split_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        let (server, stream) = rest.split_once("?stream=").unwrap();
        let options =
            async_nats::ConnectOptions::with_user_and_password(user.into(), password.into());
        let client = options.connect(server).await.unwrap();
        let subscriber = client.subscribe(format!("xos-sync.{stream}.>")).await.unwrap();
        client.flush().await.unwrap();
        Self::Nats(subscriber)
    }

    /// When the next change is heard of.
    pub async fn seen(&mut self) -> Instant {
        match self {
            Self::Nats(subscriber) => {
                subscriber.next().await.unwrap();
            }
            Self::Xmpp(xmpp) => xmpp.until("</message>").await,
        }
        Instant::now()
    }
}

/// A client without encryption, for servers on this machine.
pub struct Xmpp {
    socket: TcpStream,
    read: String,
}

impl Xmpp {
    /// `xmpp://USER:PASSWORD@HOST:PORT/SERVICE?node=NODE&domain=DOMAIN…`
    async fn start(url: &str) -> Self {
        let (login, rest) = url.strip_prefix("xmpp://").unwrap().split_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        let (at, rest) = rest.split_once('/').unwrap();
        let (service, query) = rest.split_once('?').unwrap();
        let value = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap()
        };
        let (domain, node) = (value("domain"), value("node"));
        let mut xmpp = Self { socket: TcpStream::connect(at).await.unwrap(), read: String::new() };
        let open = format!(
            "<stream:stream to='{domain}' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>"
        );
        xmpp.ask(&open, "</stream:features>").await;
        let plain = base64::prelude::BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"
        );
        xmpp.ask(&auth, "<success").await;
        xmpp.ask(&open, "</stream:features>").await;
        let bind = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                    <resource>bare</resource></bind></iq>";
        xmpp.ask(bind, "</iq>").await;
        let subscribe = format!(
            "<presence/><iq type='set' id='subscribe' to='{service}'>\
             <pubsub xmlns='http://jabber.org/protocol/pubsub'>\
             <subscribe node='{node}' jid='{user}@{domain}/bare'/></pubsub></iq>"
        );
        xmpp.ask(&subscribe, "</iq>").await;
        xmpp
    }

    async fn ask(&mut self, xml: &str, until: &str) {
        self.socket.write_all(xml.as_bytes()).await.unwrap();
        self.until(until).await;
    }

    /// Reads until this has come.
    async fn until(&mut self, end: &str) {
        let mut buffer = [0; 4096];
        loop {
            if let Some(place) = self.read.find(end) {
                self.read.drain(..place + end.len());
                return;
            }
            let read = self.socket.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "the server closed the stream");
            self.read.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }
}
