//! Moto, as `tests/services/moto` starts it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use xos_sync_ec2::client::Ec2;

use super::SECRET;

/// A moto server, stopped when the last test that uses it ends.
pub(crate) struct Moto {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn shared() -> Arc<Self> {
        static RUNNING: OnceLock<Mutex<Weak<Moto>>> = OnceLock::new();
        let mut running =
            RUNNING.get_or_init(Mutex::default).lock().unwrap_or_else(|broken| broken.into_inner());
        running.upgrade().unwrap_or_else(|| {
            let moto = Arc::new(Self::start());
            *running = Arc::downgrade(&moto);
            moto
        })
    }

    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = script().arg("start").arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let url = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned();
        Self { folder, url }
    }

    pub(crate) fn client(&self, region: &str) -> Ec2 {
        Ec2::builder()
            .endpoint(&self.url)
            .region(region)
            .credentials("AKID", SECRET)
            .build()
            .unwrap()
    }

    /// How often an action was called so far, by all tests.
    pub(crate) fn calls(&self, action: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("actions.log")).unwrap();
        log.lines().filter(|line| line.contains(&format!(" ACTION {action} "))).count()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = script().arg("stop").arg(self.folder.path()).status();
    }
}

pub(crate) fn script() -> Command {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "tests", "services", "moto"].iter().collect();
    Command::new(path)
}
