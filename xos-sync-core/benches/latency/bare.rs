//! What the transport itself takes: a client that does nothing but listen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use tokio::sync::{Mutex, mpsc};

pub fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}

/// Ends when it is dropped.
pub struct Listener {
    seen: Mutex<mpsc::UnboundedReceiver<Instant>>,
    end: Arc<AtomicBool>,
}

impl Listener {
    pub fn start(url: &str) -> Self {
        let (tell, seen) = mpsc::unbounded_channel();
        let end = Arc::new(AtomicBool::new(false));
        let (mut connection, ended) = (connect(url), end.clone());
        let schema = url.rsplit("%3D").next().unwrap().to_owned();
        connection.batch_execute(&format!("LISTEN \"xos_sync.{schema}\"")).unwrap();
        thread::spawn(move || {
            while !ended.load(Relaxed) {
                for notification in connection.notifications_iter() {
                    if notification.unwrap().payload.starts_with("probes ") {
                        let _ = tell.send(Instant::now());
                    }
                }
                thread::sleep(Duration::from_micros(100));
            }
        });
        Self { seen: Mutex::new(seen), end }
    }

    /// When the first is seen that came after this moment.
    pub async fn seen_after(&self, moment: Instant) -> Instant {
        let mut seen = self.seen.lock().await;
        loop {
            let at = seen.recv().await.unwrap();
            if at >= moment {
                return at;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.end.store(true, Relaxed);
    }
}
