//! A server that says what it is told to.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::event::xmpp::{
    XmppUrl,
    connect::{Wire, open},
};

/// A session with a server that has said this; the server's end.
async fn session(said: &str) -> (Session, DuplexStream) {
    let url: XmppUrl = "xmpp://bot:x@h/ps.h?node=n".parse().unwrap();
    let (ours, mut theirs) = duplex(1 << 24);
    let begin = "<stream:stream xmlns='jabber:client' version='1.0' \
                 xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>";
    theirs.write_all(format!("{begin}{said}").as_bytes()).await.unwrap();
    let wire: Box<dyn Wire> = Box::new(ours);
    let pending = open(wire, &url).await.unwrap();
    let (_, stream) = pending.recv_features().await.unwrap();
    (Session::new(stream, url.account.domain().to_owned()), theirs)
}

async fn said(server: &mut DuplexStream) -> String {
    let mut buffer = vec![0; 65_536];
    let read = server.read(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

async fn id(session: &mut Session) -> Option<String> {
    match session.hear().await.unwrap() {
        Some(Stanza::Message(message)) => message.id.map(|id| id.0),
        Some(_) => panic!("no message"),
        None => None,
    }
}

#[tokio::test]
async fn no_depth_overflows_the_stack() {
    let (open, close) = ("<a>".repeat(300_000), "</a>".repeat(300_000));
    let deep = format!("<message id='1'><x xmlns='u'>{open}{close}</x></message>");
    let (mut session, _server) = session(&format!("{deep}<message id='2'/>")).await;
    assert_eq!(id(&mut session).await.as_deref(), Some("1"));
    assert_eq!(id(&mut session).await.as_deref(), Some("2"));
}

#[tokio::test]
async fn what_is_no_stanza_is_told_from_what_is() {
    let rubbish = "<message type='strange'/><a xmlns='urn:xmpp:sm:3' h='1'/>";
    let (mut session, _server) = session(&format!("{rubbish}<message id='1'/>")).await;
    for _ in 0..2 {
        assert_eq!(id(&mut session).await, None);
    }
    assert_eq!(id(&mut session).await.as_deref(), Some("1"));
}

#[tokio::test]
async fn everybody_gets_an_answer() {
    let ping = "<iq type='get' id='p' from='h'><ping xmlns='urn:xmpp:ping'/></iq>";
    let other = "<iq type='set' id='o' from='m@h/x'><what xmlns='u'/></iq>";
    let (mut session, mut server) = session(&format!("{ping}{other}<message id='1'/>")).await;
    assert_eq!(id(&mut session).await.as_deref(), Some("1"));
    let said = said(&mut server).await;
    let (_, pong) = said.split_once("<iq ").unwrap();
    let (pong, refusal) = pong.split_once("<iq ").unwrap();
    assert!(pong.contains("result") && pong.contains("'p'"), "{said}");
    assert!(refusal.contains("service-unavailable") && refusal.contains("'o'"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_asked_about_and_then_is_a_loss() {
    let (mut session, mut server) = session("").await;
    let begun = Instant::now();
    let lost = session.hear().await.err().unwrap();
    assert_eq!(lost.to_string(), "nothing was heard from the XMPP server for 20 s");
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert!(said(&mut server).await.contains("urn:xmpp:ping"));
}

#[tokio::test]
async fn an_end_is_told_from_what_cannot_be_read() {
    for (said, expected) in [
        ("", "the XMPP server closed the connection"),
        ("</stream:stream>", "the XMPP server closed the connection"),
        ("<message", "the XMPP server closed the connection"),
        ("<message></a>", "the XMPP server sent what cannot be read"),
        ("<!-- comment -->", "the XMPP server sent what cannot be read"),
        ("<what/>", "the XMPP server sent what cannot be read"),
        ("text", "the XMPP server sent what cannot be read"),
    ] {
        let (mut session, server) = session(said).await;
        drop(server);
        let lost = session.hear().await.err().unwrap().to_string();
        assert!(lost.starts_with(expected), "{said}: {lost}");
    }
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_none() {
    let answers = "<iq type='result' id='xos-sync-1' from='mallory@h/x'/>\
                   <iq type='result' id='xos-sync-7' from='ps.h'/>\
                   <iq type='error' id='xos-sync-1' from='ps.h'><error type='auth'>\
                   <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
    let (mut session, _server) = session(answers).await;
    let service = Jid::new("ps.h").unwrap();
    let answer = session.ask("ping", |id| Iq::from_get(id, Ping).with_to(service)).await;
    let expected = "ps.h refused to ping: Forbidden; give the account the right to, at the service";
    assert_eq!(answer.unwrap_err().to_string(), expected);
}
