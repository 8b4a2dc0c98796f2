use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
};

use super::*;
use crate::http::{Connections, Effect};

/// A server on a port of its own, which deals so with each connection; and who came, one line each.
fn server(deal: fn(&mut TcpStream)) -> (Url, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (sender, came) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..read]);
            if sender.send(request.lines().next().unwrap_or_default().to_owned()).is_err() {
                return;
            }
            deal(&mut stream);
            kept.push(stream);
        }
    });
    (url, came)
}

fn answers(stream: &mut TcpStream) {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfine")
        .unwrap();
}

fn refuses(stream: &mut TcpStream) {
    stream.write_all(b"HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\nretry-after: 7\r\n\r\n").unwrap();
}

fn wire(url: &Url) -> Wire {
    let http = Connections::to(url, "test").client().unwrap();
    Wire::new(http, Duration::from_millis(300))
}

async fn get(wire: &Wire, url: &Url, path: &str) -> Result<Reply, NoReply> {
    wire.send(wire.request(Method::GET, url.join(path).unwrap())).await
}

#[tokio::test]
async fn one_that_hangs_is_not_asked_again_at_once_and_others_are() {
    let (hanging, came) = server(|_| ());
    let (well, came_well) = server(answers);
    let wire = wire(&hanging);
    let (a, b) = tokio::join!(get(&wire, &hanging, "a"), get(&wire, &hanging, "b"));
    let mut said: Vec<_> = [a, b].into_iter().map(|none| none.err().unwrap()).collect();
    for path in ["c", "d"] {
        said.push(get(&wire.clone(), &hanging, path).await.err().unwrap());
    }
    assert_eq!(get(&wire, &well, "e").await.ok().unwrap().body, "fine");
    let failures: Vec<_> = said.iter().map(|none| none.failure).collect();
    assert_eq!(
        failures,
        [Failure::TimedOut, Failure::TimedOut, Failure::Resting, Failure::Resting]
    );
    assert!(said[0].text.ends_with("did not answer within 300ms"), "{}", said[0].text);
    assert!(said[2].text.contains("is asked again in 5 s"), "{}", said[2].text);
    assert!(said[2].retry_after.unwrap() <= Duration::from_secs(5));
    assert!(said[0].outcome_unknown(Effect::Changes) && !said[2].outcome_unknown(Effect::Changes));
    let mut came: Vec<_> = came.try_iter().collect();
    came.sort();
    assert_eq!(came, ["GET /a HTTP/1.1", "GET /b HTTP/1.1"]);
    assert_eq!(came_well.try_iter().collect::<Vec<_>>(), ["GET /e HTTP/1.1"]);
}

#[tokio::test]
async fn one_that_refuses_is_asked_every_time() {
    let (url, came) = server(refuses);
    let wire = wire(&url);
    for path in ["a", "b"] {
        let reply = get(&wire, &url, path).await.ok().unwrap();
        assert_eq!((reply.status, reply.retry_after()), (503, Some(Duration::from_secs(7))));
    }
    assert_eq!(came.try_iter().collect::<Vec<_>>(), ["GET /a HTTP/1.1", "GET /b HTTP/1.1"]);
}

#[tokio::test]
async fn one_that_is_not_there_is_asked_every_time() {
    let url = Url::parse("http://127.0.0.1:1").unwrap();
    let wire = wire(&url);
    for path in ["a", "b"] {
        let none = get(&wire, &url, path).await.err().unwrap();
        assert_eq!(none.failure, Failure::NotSent);
        assert!(none.text.starts_with("no connection to http://127.0.0.1:1: "), "{}", none.text);
    }
}
