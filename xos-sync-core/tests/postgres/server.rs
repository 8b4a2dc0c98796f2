//! A server of a test's own, to be stopped and started.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Ends when it is dropped.
pub struct Server {
    pub url: String,
    folder: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = started(&control(&["start"], folder.path()));
        Self { url, folder }
    }

    /// With these options of the program `postgres`.
    pub fn start_with(options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut start = script();
        start.arg("start").arg(folder.path()).env("XOS_POSTGRES_OPTIONS", options);
        let url = started(&done(&mut start));
        Self { url, folder }
    }

    /// A standby of this server.
    pub fn standby(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        done(script().arg("standby").arg(folder.path()).arg(self.folder.path()));
        let url = started(&control(&["start"], folder.path()));
        Self { url, folder }
    }

    /// A standby takes writes from now on.
    pub fn promote(&self) {
        control(&["promote"], self.folder.path());
    }

    /// It takes no writes any more, or again, also in sessions that are open.
    pub fn set_read_only(&self, value: &str) {
        self.sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
        self.sql("SELECT pg_reload_conf()");
    }

    /// The URL of a role with no rights but on a database of its own.
    pub fn unprivileged(&self) -> String {
        self.sql("CREATE ROLE app LOGIN PASSWORD 'app'");
        self.sql("CREATE DATABASE app OWNER app");
        let (_, address) = self.url.split_once('@').unwrap();
        let (address, _) = address.split_once('/').unwrap();
        format!("postgres://app:app@{address}/app")
    }

    /// One that listens here too, to those of this network.
    pub fn start_for(address: &str, network: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut start = script();
        start.arg("start").arg(folder.path());
        start.env("XOS_POSTGRES_OPTIONS", format!("-c listen_addresses=127.0.0.1,{address}"));
        let server = Self { url: started(&done(&mut start)), folder };
        let mut access =
            OpenOptions::new().append(true).open(server.data().join("pg_hba.conf")).unwrap();
        writeln!(access, "host all all {network} scram-sha-256").unwrap();
        server.sql("SELECT pg_reload_conf()");
        server
    }

    /// The folder of its data and configuration.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data").canonicalize().unwrap()
    }

    /// It ends as when it is restarted: in order.
    pub fn pause(&self) {
        control(&["pause"], self.folder.path());
    }

    /// It ends as when its machine dies.
    pub fn crash(&self) {
        control(&["crash"], self.folder.path());
    }

    pub fn go_on(&self) {
        assert_eq!(started(&control(&["start"], self.folder.path())), self.url);
    }

    pub fn sql(&self, sql: &str) -> String {
        query(&self.url, sql)
    }
}

/// What `psql` answers.
pub fn query(url: &str, sql: &str) -> String {
    let output = Command::new("psql")
        .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql, url])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = script().arg("stop").arg(self.folder.path()).output();
    }
}

fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/services/postgres"))
}

fn control(what: &[&str], folder: &Path) -> Output {
    done(script().args(what).arg(folder))
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {errors}");
    output
}

fn started(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap().to_owned()
}
