//! The EC2 server of the tests, and a witness of what is in it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use serde_json::Value;
use tempfile::TempDir;

/// A moto server, stopped when the last test that uses it ends.
pub(crate) struct Moto {
    folder: TempDir,
    pub(crate) url: String,
}

impl Moto {
    /// The one that tests share; each has a region of it to itself.
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
        let text = String::from_utf8(output.stdout).unwrap();
        let url = text.lines().last().unwrap().to_owned();
        Self { folder, url }
    }

    /// What is there, as AWS's own library sees it.
    pub(crate) fn witness(&self, region: &str) -> Witness {
        let all = self.python(region, &["list"]);
        let rows = |name: &str| all[name].as_array().unwrap().clone();
        Witness { instances: rows("instances"), volumes: rows("volumes"), keys: rows("keys") }
    }

    /// How often an action was called so far, by everybody.
    pub(crate) fn actions(&self, action: &str) -> usize {
        self.record().lines().filter(|line| line.contains(&format!(" ACTION {action} "))).count()
    }

    fn record(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("actions.log")).unwrap_or_default()
    }

    /// A call by AWS's own library.
    pub(crate) fn call(&self, region: &str, operation: &str, arguments: &Value) -> Value {
        self.python(region, &[operation, &arguments.to_string()])
    }

    fn python(&self, region: &str, arguments: &[&str]) -> Value {
        let python = root().join("target/services/moto-5.2.5/bin/python");
        let output = Command::new(python)
            .arg(root().join("tests/services/ec2_witness.py"))
            .args([self.url.as_str(), region])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = script().arg("stop").arg(self.folder.path()).status();
    }
}

/// What is at a backend.
#[derive(Debug)]
pub(crate) struct Witness {
    pub(crate) instances: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) keys: Vec<Value>,
}

impl Witness {
    /// The instances that are not terminated.
    pub(crate) fn living(&self) -> Vec<&Value> {
        let gone =
            |it: &Value| matches!(it["state"].as_str(), Some("terminated" | "shutting-down"));
        self.instances.iter().filter(|it| !gone(it)).collect()
    }

    /// The only one that is not terminated.
    pub(crate) fn only(&self) -> &Value {
        let living = self.living();
        assert_eq!(living.len(), 1, "{living:#?}");
        living[0]
    }
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn script() -> Command {
    Command::new(root().join("tests/services/moto"))
}
