//! XMPP servers: the one that all tests share, and ones of a test's own.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

/// The address of the server that all tests share.
pub fn shared() -> String {
    env::var("XOS_TEST_XMPP")
        .expect("no XMPP server: XOS_TEST_XMPP is not set; start the tests by tests/run")
}

/// The same address, for a node that nobody else uses.
pub fn with_node(url: &str) -> String {
    static NODES: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let node = format!("node-{now}-{}", NODES.fetch_add(1, Ordering::Relaxed));
    url.replace("node=changes", &format!("node={node}"))
}

/// The password in an address.
pub fn password(url: &str) -> &str {
    url.split_once("bot:").unwrap().1.split_once('@').unwrap().0
}

/// A server of a test's own. Stopped when dropped.
pub struct Server {
    folder: TempDir,
}

impl Server {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Makes it refuse what is in the clear. Before it is started.
    pub fn tls_only(self) -> Self {
        std::fs::write(self.path("tls-only"), "").unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it; its address. The same one again after a crash.
    pub fn start(&self) -> String {
        let output = script().arg("start").arg(self.folder.path()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "no server: {errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn kill(&self) {
        self.signal("-KILL");
    }

    /// Leaves its connections open, but says nothing more.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Tells it; its process.
    fn signal(&self, signal: &str) -> String {
        let pid = std::fs::read_to_string(self.path("pid")).unwrap();
        let pid = pid.trim().to_owned();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        pid
    }
}

#[cfg(feature = "postgres")]
impl crate::restarts::Bus for Server {
    fn begin(&mut self) -> String {
        self.start()
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
        drop(script().arg("stop").arg(self.folder.path()).status());
    }
}

fn script() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    Command::new(root.join("tests/services/prosody"))
}
