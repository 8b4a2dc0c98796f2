//! A server that says what a test wants.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use xos_sync_ec2::client::Ec2;

use super::SECRET;

/// A server on a free port that gives each connection the next of these answers, the last one again and
/// again, and remembers what it was sent. An empty answer means: read, then say nothing until the end.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start<const N: usize>(answers: [String; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = seen.clone();
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for (n, connection) in listener.incoming().enumerate() {
                let mut connection = connection.unwrap();
                requests.lock().unwrap().push(read_request(&mut connection));
                match answers[n.min(N - 1)].as_str() {
                    "" => hanging.push(connection),
                    answer => connection.write_all(answer.as_bytes()).unwrap(),
                }
            }
        });
        Self { url, seen }
    }

    pub(crate) fn client(&self) -> Ec2 {
        let builder =
            Ec2::builder().endpoint(&self.url).region("eu-west-1").credentials("AKID", SECRET);
        builder.timeout(Duration::from_secs(2)).build().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
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

pub(crate) fn http(status: u16, extra: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{extra}\r\n{body}",
        body.len()
    )
}

pub(crate) fn error(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>Because.</Message></Error>\
         </Errors><RequestID>r-1</RequestID></Response>"
    )
}

pub(crate) fn zones() -> String {
    "<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneName>z</zoneName>\
     <zoneState>available</zoneState></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>"
        .to_owned()
}
