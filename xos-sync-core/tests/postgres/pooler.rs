//! A pooler between the Synchronizer and the server.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command},
};

use xos_sync_core::db::{Db, OpenMode};

use crate::{
    server::{Server, query},
    site::Site,
    world::{Running, until},
};

/// A PgBouncer of a test's own; it ends when this is dropped.
struct Pooler {
    url: String,
    folder: tempfile::TempDir,
    program: Child,
    of: String,
}

impl Pooler {
    async fn start(server: &Server, mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (_, address) = server.url.split_once('@').unwrap();
        let (address, _) = address.split_once('/').unwrap();
        let (_, server_port) = address.split_once(':').unwrap();
        let of = format!(
            "[databases]\nxos = host=127.0.0.1 port={server_port} dbname=xos user=xos password=goal-state\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n\
             unix_socket_dir =\ndefault_pool_size = 30\n"
        );
        let config = folder.path().join("pgbouncer.ini");
        fs::write(&config, format!("{of}pool_mode = {mode}\n")).unwrap();
        let mut command = Command::new("pgbouncer");
        // It refuses to run as root.
        command.args(["-q", "-u", "postgres"]).arg(&config);
        let program = command.spawn().expect("this test needs pgbouncer: run tests/run");
        let url = format!("postgres://xos@127.0.0.1:{port}/xos");
        until("the pooler", async || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
            .await;
        Self { url, folder, program, of }
    }

    /// It takes another mode while it runs.
    fn set_mode(&self, mode: &str) {
        let config: &Path = &self.folder.path().join("pgbouncer.ini");
        fs::write(config, format!("{}pool_mode = {mode}\n", self.of)).unwrap();
        let process = self.program.id().to_string();
        let told = Command::new("kill").args(["-HUP", &process]).status().unwrap();
        assert!(told.success());
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[tokio::test]
async fn a_pooler_in_session_mode_changes_nothing() {
    let server = Server::start();
    let pooler = Pooler::start(&server, "session").await;
    let site = Site::new(&pooler.url).await;
    let synchronizer = site.builder().build().await.unwrap();
    let running = Running::start(synchronizer);
    for at in 0..10 {
        server.sql(&format!("INSERT INTO farms (name) VALUES ('farm{at}')"));
        until("the farm", async || site.backend.names().len() == at + 1).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_refused() {
    let server = Server::start();
    for mode in ["transaction", "statement"] {
        let pooler = Pooler::start(&server, mode).await;
        for _ in 0..3 {
            let error = Db::open(&pooler.url, OpenMode::Existing).await.err().unwrap().to_string();
            assert!(error.contains("let the pooler use session mode"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        // Nothing was set on the sessions of others.
        assert_eq!(query(&pooler.url, "SHOW lock_timeout").trim(), "0");
    }
}

#[tokio::test]
async fn a_listener_that_grows_deaf_is_down() {
    let server = Server::start();
    let pooler = Pooler::start(&server, "session").await;
    let site = Site::new(&pooler.url).await;
    let synchronizer = std::sync::Arc::new(site.builder().build().await.unwrap());
    let running = Running::of(synchronizer.clone());
    until("the feed", async || synchronizer.feeds()[0].up).await;
    pooler.set_mode("transaction");
    until("the news of it", async || {
        let feed = synchronizer.feeds().remove(0);
        let message = feed.message.unwrap_or_default();
        !feed.up && message.starts_with("notifications do not arrive although LISTEN was accepted")
    })
    .await;
    pooler.set_mode("session");
    until("the feed again", async || synchronizer.feeds()[0].up).await;
    server.sql("INSERT INTO farms (name) VALUES ('farm')");
    until("the farm", async || site.backend.names() == ["farm"]).await;
    running.stop().await;
}
