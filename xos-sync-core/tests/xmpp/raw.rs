//! A client that says what it is told to, letter by letter.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use xos_sync_core::event::XmppUrl;

use crate::{listener::LONGEST, server::password};

pub struct Raw {
    socket: TcpStream,
    node: String,
    sent: u32,
}

impl Raw {
    /// Logs in as the user of the address.
    pub async fn new(url: &str) -> Self {
        let shown = url.parse::<XmppUrl>().unwrap().to_string();
        let (_, rest) = shown.split_once('@').unwrap();
        let (at, rest) = rest.split_once('/').unwrap();
        let node = rest.split_once("node=").unwrap().1.split('&').next().unwrap().to_owned();
        let mut raw = Self { socket: TcpStream::connect(at).await.unwrap(), node, sent: 0 };
        let open = "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' \
                    xmlns:stream='http://etherx.jabber.org/streams'>";
        raw.ask(open, "</stream:features>").await;
        let plain = base64(format!("\0bot\0{}", password(url)).as_bytes());
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"
        );
        raw.ask(&auth, "<success").await;
        raw.ask(open, "</stream:features>").await;
        let bind = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
        raw.ask(bind, "</iq>").await;
        raw
    }

    /// Publishes an item with this inside; the answer.
    pub async fn publish(&mut self, payload: &str) -> String {
        self.sent += 1;
        let (id, node) = (format!("raw-{}", self.sent), &self.node);
        let publish = format!(
            "<iq type='set' id='{id}' to='pubsub.localhost'>\
             <pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='{node}'>\
             <item>{payload}</item></publish></pubsub></iq>"
        );
        let answer = self.ask(&publish, &id).await;
        assert!(answer.contains("type='result'"), "{answer}");
        answer
    }

    /// Sends this, and reads until that comes.
    pub async fn ask(&mut self, xml: &str, until: &str) -> String {
        let mut answer = String::new();
        let answered = timeout(LONGEST, async {
            self.socket.write_all(xml.as_bytes()).await.unwrap();
            let mut buffer = [0; 4096];
            while !answer.contains(until) {
                let read = self.socket.read(&mut buffer).await.unwrap();
                assert_ne!(read, 0, "closed after {answer}");
                answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        assert!(answered.await.is_ok(), "no {until}");
        answer
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * at) & 63]);
            text.push(if at > chunk.len() { '=' } else { letter });
        }
    }
    text
}
