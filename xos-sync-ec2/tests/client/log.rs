//! What the client logs. `tracing` remembers for each place in the code whether anybody listens, and
//! asks only the thread that comes there first: the one test that listens is a process of its own.

use std::io::Write;
use std::sync::{Arc, Mutex};

use xos_sync_ec2::client::{Ec2, RunInstance};

use crate::support::{SECRET, Server, child, error, http};

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
    let busy = http(503, "", &error("RequestLimitExceeded"));
    let server = Server::start([busy, http(400, "", &error("AuthFailure"))]);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let ec2 = Ec2::builder().endpoint(&server.url).region("eu-west-1");
    let ec2 = ec2.session_credentials("AKID", SECRET, "the/session+token").build().unwrap();
    let wanted = RunInstance {
        user_data: Some(b"password=hush?>".to_vec()),
        ..RunInstance::new("t", "ami-1", "t3.micro")
    };
    ec2.run_instance(&wanted).await.unwrap_err();
    drop(logging);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for said in [
        "action=\"RunInstances\" status=503",
        "attempt=1",
        "status=400",
        "attempt=2",
        "request_id=\"r-1\"",
    ] {
        assert!(log.contains(said), "{said} in {log}");
    }
    let signatures = server.requests();
    let signatures = signatures
        .iter()
        .filter_map(|sent| sent.split("Signature=").nth(1)?.split_whitespace().next());
    for secret in signatures.chain([SECRET, "the/session+token", "cGFzc3dvcmQ9aHVzaD8", "hush"]) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
