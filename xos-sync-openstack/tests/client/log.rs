//! What the client logs. `tracing` remembers for each place in the code whether anybody listens, and
//! asks only the thread that comes there first: the one test that listens is a process of its own.

use std::io::Write;
use std::sync::{Arc, Mutex};

use xos_sync_openstack::client::NewServer;

use crate::support::{Answer, PASSWORD, Server, TOKEN, child};

/// Takes what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_attempt_is_logged_and_no_secret_is() {
    let output = child("log::child_that_logs").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn child_that_logs() {
    let busy = Answer::new(429, "Retry-After: 0\r\n", "busy");
    let refused = r#"{"badRequest": {"message": "No the-user-data.", "code": 400}}"#;
    let server = Server::start([busy, Answer::new(400, "", refused)]);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let wanted = NewServer {
        name: "web".to_owned(),
        image_id: "i".to_owned(),
        flavor_id: "f".to_owned(),
        user_data: Some("the-user-data".into()),
        ..NewServer::default()
    };
    server.client().create_server(&wanted).await.unwrap_err();
    drop(logging);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for said in [
        "service=\"identity\" action=\"POST /auth/tokens\" status=201",
        "service=\"compute\" action=\"POST /servers\" status=429",
        "attempt=1",
        "status=400",
        "attempt=2",
        "request_id=\"req-400\"",
    ] {
        assert!(log.contains(said), "{said} in {log}");
    }
    for secret in [PASSWORD, TOKEN, "the-user-data", "dGhlLXVzZXItZGF0YQ", "password"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
