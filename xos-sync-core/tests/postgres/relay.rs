//! Between a client and the server: changes or loses what they say.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

/// What becomes of what a client has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// The server gets it, and the connection ends before its answer is through.
    LoseAnswer,
    /// The connection ends before the server gets it.
    LoseRequest,
    /// Nothing is said any more, in either direction, and nobody hangs up.
    Silence,
}

/// Ends when it is dropped, with all connections.
pub struct Relay {
    pub url: String,
    server: Arc<Mutex<String>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// To the server of this URL; asks `plan` of all that the client says.
    pub fn start(url: &str, plan: impl FnMut(&mut [u8]) -> Fate + Send + 'static) -> Self {
        let (before, rest) = url.split_once('@').unwrap();
        let (server, after) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{before}@{}/{after}", listener.local_addr().unwrap());
        let server = Arc::new(Mutex::new(server.to_owned()));
        let leads_to = server.clone();
        let open = Arc::new(Mutex::new(Vec::new()));
        let (kept, plan) = (open.clone(), Arc::new(Mutex::new(plan)));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = leads_to.lock().unwrap().clone();
                let server = TcpStream::connect(server).unwrap();
                let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
                kept.lock().unwrap().extend(ends);
                carry(client, server, plan.clone());
            }
        });
        Self { url, server, open }
    }

    /// New connections lead to the server of this URL; the others stay where they are.
    pub fn lead_to(&self, url: &str) {
        let (_, rest) = url.split_once('@').unwrap();
        let (server, _) = rest.split_once('/').unwrap();
        *self.server.lock().unwrap() = server.to_owned();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.open.lock().unwrap().iter().for_each(hang_up);
    }
}

fn carry<P>(mut client: TcpStream, mut server: TcpStream, plan: Arc<Mutex<P>>)
where
    P: FnMut(&mut [u8]) -> Fate + Send + 'static,
{
    let (mut to_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let lose_answer = Arc::new(AtomicBool::new(false));
    let answer_is_lost = lose_answer.clone();
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(read @ 1..) = client.read(&mut buffer) {
            let said = &mut buffer[..read];
            let fate = plan.lock().unwrap()(said);
            match fate {
                Fate::Pass => {}
                Fate::LoseAnswer => lose_answer.store(true, Relaxed),
                Fate::LoseRequest => break,
                // Both ends stay open, and this one reads nothing more.
                Fate::Silence => return,
            }
            if to_server.write_all(said).is_err() {
                break;
            }
        }
        hang_up(&client);
        hang_up(&to_server);
    });
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(read @ 1..) = server.read(&mut buffer) {
            if answer_is_lost.load(Relaxed) || to_client.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        hang_up(&server);
        hang_up(&to_client);
    });
}

fn hang_up(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Both);
}
