//! Stands between the client and the server: counts calls, and makes some of them fail.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What happens to a call in place of being answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is carried out, and the connection breaks before the answer.
    LoseAnswer,
    /// It is refused: too many calls.
    Throttle,
    /// It is refused: the credentials are wrong.
    Forbid,
}

/// A proxy on a free port.
pub(crate) struct Proxy {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    calls: BTreeMap<String, usize>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    down: bool,
}

impl Proxy {
    pub(crate) fn to(url: &str) -> Self {
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::<Mutex<Inner>>::default();
        let shared = inner.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (server, inner) = (server.clone(), shared.clone());
                std::thread::spawn(move || serve(connection, &server, &inner));
            }
        });
        Self { url, inner }
    }

    /// The next calls of this action fail so; `*` stands for any action.
    pub(crate) fn fail(&self, action: &str, faults: impl IntoIterator<Item = Fault>) {
        self.inner.lock().unwrap().faults.entry(action.to_owned()).or_default().extend(faults);
    }

    /// No call goes through any more, or they do again.
    pub(crate) fn set_down(&self, down: bool) {
        self.inner.lock().unwrap().down = down;
    }

    /// How often this action was called.
    pub(crate) fn calls(&self, action: &str) -> usize {
        self.inner.lock().unwrap().calls.get(action).copied().unwrap_or_default()
    }

    /// How often anything was called that may change something.
    pub(crate) fn changes(&self) -> usize {
        let inner = self.inner.lock().unwrap();
        inner.calls.iter().filter(|(name, _)| !name.starts_with("Describe")).map(|(_, n)| n).sum()
    }

    /// How often anything was called.
    pub(crate) fn all_calls(&self) -> usize {
        self.inner.lock().unwrap().calls.values().sum()
    }
}

fn serve(mut connection: TcpStream, server: &str, inner: &Mutex<Inner>) {
    // A client that went away is no matter.
    let _ = pass_on(&mut connection, server, inner);
}

fn pass_on(connection: &mut TcpStream, server: &str, inner: &Mutex<Inner>) -> io::Result<()> {
    let (head, body) = read_request(connection)?;
    let action = body.split('&').find_map(|part| part.strip_prefix("Action=")).unwrap_or_default();
    let fault = {
        let mut inner = inner.lock().unwrap();
        if inner.down {
            return Ok(());
        }
        *inner.calls.entry(action.to_owned()).or_default() += 1;
        let of_action = inner.faults.get_mut(action).and_then(VecDeque::pop_front);
        of_action.or_else(|| inner.faults.get_mut("*").and_then(VecDeque::pop_front))
    };
    match fault {
        Some(Fault::Throttle) => {
            refuse(connection, 503, "RequestLimitExceeded", "Request limit exceeded.")
        }
        Some(Fault::Forbid) => refuse(
            connection,
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        ),
        Some(Fault::LoseAnswer) => forward(&head, &body, server).map(drop),
        None => {
            let answer = forward(&head, &body, server)?;
            connection.write_all(&answer)
        }
    }
}

fn forward(head: &str, body: &str, server: &str) -> io::Result<Vec<u8>> {
    let lines = head.split("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:"));
    let head = lines.collect::<Vec<_>>().join("\r\n");
    let mut server = TcpStream::connect(server)?;
    server.write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

fn refuse(connection: &mut TcpStream, status: u16, code: &str, message: &str) -> io::Result<()> {
    let body = format!(
        "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>\
         </Errors><RequestID>r-1</RequestID></Response>"
    );
    let length = body.len();
    connection.write_all(
        format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .as_bytes(),
    )
}

fn read_request(connection: &mut TcpStream) -> io::Result<(String, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok((head.to_owned(), body.to_owned()));
            }
        }
        match connection.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}
