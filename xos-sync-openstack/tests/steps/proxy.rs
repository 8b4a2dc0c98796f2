//! Stands between the Synchronizer and a cloud: counts calls, and makes some of them fail.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A port for each service of the cloud. The catalogue that passes through names these.
pub(crate) struct Proxy {
    pub(crate) auth_url: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The addresses of the services, and those that stand for them.
    addresses: Mutex<Vec<(String, String)>>,
    calls: Mutex<Vec<String>>,
    lost: Mutex<VecDeque<String>>,
    mood: Mutex<Mood>,
}

/// What becomes of calls.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// They go through.
    #[default]
    Well,
    /// Connections are closed.
    Down,
    /// They are taken, and nothing comes of them.
    Hanging,
}

impl Proxy {
    /// To the cloud whose clouds.yaml this is.
    pub(crate) fn to(file: &Path) -> Self {
        let ports = std::fs::read_to_string(file.with_file_name("ports")).unwrap();
        let inner = Arc::<Inner>::default();
        let mut auth_url = String::new();
        for line in ports.lines() {
            let (service, port) = line.split_once(' ').unwrap();
            let server = format!("127.0.0.1:{port}");
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let own = listener.local_addr().unwrap().to_string();
            assert_eq!(server.len(), own.len(), "Content-Length stays true");
            if service == "keystone" {
                auth_url = format!("http://{own}/v3");
            }
            inner.addresses.lock().unwrap().push((server.clone(), own));
            let (shared, server) = (inner.clone(), server.parse::<SocketAddr>().unwrap());
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    let shared = shared.clone();
                    // A client that went away is no matter.
                    std::thread::spawn(move || drop(pass_on(connection, server, &shared)));
                }
            });
        }
        Self { auth_url, inner }
    }

    /// The next call of which this is the beginning, such as `POST /v3/users`, is carried out, and its
    /// answer is lost.
    pub(crate) fn lose(&self, call: &str) {
        self.inner.lost.lock().unwrap().push_back(call.to_owned());
    }

    /// From now on calls are dealt with so.
    pub(crate) fn set(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    /// The calls so far, which are forgotten. Those for tokens are left out.
    pub(crate) fn take(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.inner.calls.lock().unwrap());
        calls.into_iter().filter(|call| !call.starts_with("POST /v3/auth/tokens")).collect()
    }
}

/// Those that may change something.
pub(crate) fn changes(calls: &[String]) -> Vec<&String> {
    calls.iter().filter(|call| !call.starts_with("GET ")).collect()
}

fn pass_on(mut client: TcpStream, server: SocketAddr, inner: &Inner) -> io::Result<()> {
    let mood = *inner.mood.lock().unwrap();
    if mood == Mood::Down {
        return Ok(());
    }
    let (head, rest) = read_head(&mut client)?;
    let call = head.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
    inner.calls.lock().unwrap().push(call.clone());
    if mood == Mood::Hanging {
        // Until the client has enough of it.
        return client.read(&mut [0]).map(drop);
    }
    let is_lost = {
        let mut lost = inner.lost.lock().unwrap();
        let at = lost.iter().position(|beginning| call.starts_with(beginning));
        at.and_then(|at| lost.remove(at)).is_some()
    };
    let lines = head.lines().filter(|line| !line.to_lowercase().starts_with("connection:"));
    let head = lines.collect::<Vec<_>>().join("\r\n");
    let mut server = TcpStream::connect(server)?;
    server.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes())?;
    server.write_all(&rest)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let sending = std::thread::spawn(move || drop(io::copy(&mut from, &mut to)));
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    if !is_lost {
        for (server, own) in inner.addresses.lock().unwrap().iter() {
            replace(&mut answer, server.as_bytes(), own.as_bytes());
        }
        client.write_all(&answer)?;
    }
    client.shutdown(Shutdown::Both)?;
    sending.join().unwrap();
    Ok(())
}

/// Replaces a text by one of the same length.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while at + old.len() <= bytes.len() {
        if bytes[at..].starts_with(old) {
            bytes[at..at + old.len()].copy_from_slice(new);
        }
        at += 1;
    }
}

/// The head of a request, and what came with it of the body.
fn read_head(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).trim_end().to_owned(), rest));
        }
        match client.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}
