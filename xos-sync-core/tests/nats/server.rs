//! The servers: one for all tests, from `tests/run`, and one of a test's own.

use std::process::Command;

use tempfile::TempDir;

/// The URL of a stream of its own, on the server of all tests.
pub(crate) fn shared(stream: &str) -> String {
    let url = std::env::var("XOS_TEST_NATS").expect(
        "XOS_TEST_NATS is not set: start the tests by tests/run, or start tests/services/nats and set it \
         to the URL that it prints",
    );
    // A server that outlives the tests keeps what earlier ones did.
    on(&url, &format!("{stream}-{}", std::process::id()))
}

/// The URL of another stream on the same server.
pub(crate) fn on(url: &str, stream: &str) -> String {
    format!("{}?stream={stream}", url.split('?').next().unwrap())
}

/// A server that a test may kill.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut server = Self { folder: tempfile::tempdir().unwrap(), url: String::new() };
        server.start_again();
        server
    }

    /// On the same port, with what the last one stored.
    pub(crate) fn start_again(&mut self) {
        let output = script().arg("start").arg(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let url = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned();
        assert!(self.url.is_empty() || self.url == url, "{url} was {}", self.url);
        self.url = url;
    }

    pub(crate) fn kill(&self) {
        self.signal("-KILL");
    }

    /// Tells it; its process.
    fn signal(&self, signal: &str) -> String {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap();
        let pid = pid.trim().to_owned();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        pid
    }
}

#[cfg(feature = "postgres")]
impl crate::restarts::Bus for Server {
    fn begin(&mut self) -> String {
        self.start_again();
        on(&self.url, "restarts")
    }

    fn crash(&mut self) {
        self.kill();
    }

    fn end(&mut self) {
        crate::restarts::wait_for_end_of(&self.signal("-TERM"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = script().arg("stop").arg(self.folder.path()).status();
    }
}

fn script() -> Command {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/services/nats"))
}
