//! A server that says what a test wants, as Keystone and as every other service.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use xos_sync_openstack::client::{Cloud, Credentials, Scope};

pub(crate) const PASSWORD: &str = "the-\"password\"";
pub(crate) const TOKEN: &str = "the-token";

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Sends this.
    Text(String),
    /// Reads, then says nothing until the end.
    Silence,
    /// Reads, then closes the connection.
    Close,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: &str, body: &str) -> Self {
        Self::Text(format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\
             x-openstack-request-id: req-{status}\r\n{headers}\r\n{body}",
            body.len()
        ))
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::new(200, "", body)
    }
}

/// Keystone's answer with a token of this id, which lasts until 2099.
pub(crate) fn token(id: &str, url: &str) -> Answer {
    let services = ["image", "compute", "network", "identity"].map(|kind| {
        format!(
            r#"{{"type": "{kind}", "endpoints": [{{"interface": "public", "region": "one", "url": "{url}"}}]}}"#
        )
    });
    let body = format!(
        r#"{{"token": {{"expires_at": "2099-01-01T00:00:00.000000Z", "user": {{"id": "u", "name": "admin"}},
            "project": {{"id": "p", "name": "admin"}}, "roles": [], "catalog": [{}]}}}}"#,
        services.join(",")
    );
    Answer::new(201, &format!("X-Subject-Token: {id}\r\n"), &body)
}

/// A server on a free port. A request for a token gets one, numbered; each other request the next of the
/// answers, the last one again and again. It remembers what it was sent.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start<const N: usize>(answers: [Answer; N]) -> Self {
        Self::with_keystone(answers, |number, url| token(&format!("{TOKEN}-{number}"), url))
    }

    pub(crate) fn with_keystone<const N: usize>(
        answers: [Answer; N],
        keystone: impl Fn(usize, &str) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (requests, own) = (seen.clone(), url.clone());
        std::thread::spawn(move || {
            let (mut hanging, mut tokens, mut others) = (Vec::new(), 0, 0);
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let request = read_request(&mut connection);
                let answer = if request.starts_with("POST /v3/auth/tokens") {
                    tokens += 1;
                    keystone(tokens, &own)
                } else {
                    others += 1;
                    answers[others.min(N) - 1].clone()
                };
                requests.lock().unwrap().push(request);
                match answer {
                    Answer::Text(text) => connection.write_all(text.as_bytes()).unwrap(),
                    Answer::Silence => hanging.push(connection),
                    Answer::Close => {}
                }
            }
        });
        Self { url, seen }
    }

    pub(crate) fn client(&self) -> Cloud {
        Cloud::builder(&self.url, Credentials::password("admin", PASSWORD))
            .scope(Scope::Project("p".to_owned()))
            .timeout(Duration::from_secs(2))
            .build()
            .unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The first lines of all requests, without the version of HTTP.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |request: &String| request.lines().next().unwrap().replace(" HTTP/1.1", "");
        self.requests().iter().map(line).collect()
    }
}

fn read_request(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match connection.read(&mut buffer).unwrap() {
            0 => return text,
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}
