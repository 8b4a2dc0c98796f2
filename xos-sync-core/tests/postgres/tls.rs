//! TLS to the server, as libpq does it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use xos_sync_core::{
    Synchronizer,
    db::{Db, OpenMode},
    migrate,
};

use crate::{
    server::Server,
    world::{Backend, Running, registry, until},
};

/// Two roots that know nothing of each other, and a certificate of the first for `localhost`.
fn certificates(folder: &Path) {
    let script = "set -eu
        for root in root other; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                -subj \"/CN=$root\" -keyout $root.key -out $root.pem
        done
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
            -keyout server.key -out server.csr
        echo 'subjectAltName = DNS:localhost' >san
        openssl x509 -req -in server.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 \
            -extfile san -out server.crt";
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output();
    let output = output.expect("this test needs openssl: run tests/run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server that takes nobody without TLS.
fn server(certificates: &Path) -> Server {
    let server = Server::start();
    let data = server.data();
    let owner = fs::metadata(&data).unwrap();
    for name in ["server.key", "server.crt"] {
        let file = data.join(name);
        fs::copy(certificates.join(name), &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let access = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(data.join("pg_hba.conf"), access).unwrap();
    server.sql("ALTER SYSTEM SET ssl = on");
    server.sql("SELECT pg_reload_conf()");
    server
}

#[tokio::test]
async fn tls_is_used_and_checked_as_the_url_says() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let server = server(folder.path());
    let root = |name: &str| folder.path().join(name).display().to_string();
    // By a name, and by no address but the one on which the server listens.
    let local = format!("{}?hostaddr=127.0.0.1", server.url.replace("127.0.0.1", "localhost"));
    let checked = format!("{local}&sslmode=verify-full&sslrootcert={}", root("root.pem"));
    // The new configuration is there a moment after it was asked for.
    until("TLS", async || Db::open(&checked, OpenMode::Existing).await.is_ok()).await;

    for (url, refusal) in [
        (format!("{}?sslmode=disable", server.url), "no encryption"),
        (
            format!("{local}&sslmode=verify-full&sslrootcert={}", root("other.pem")),
            "certificate verify failed; correct sslrootcert",
        ),
        (
            format!("{}?sslmode=verify-full&sslrootcert={}", server.url, root("root.pem")),
            "does not match host name \"127.0.0.1\"; correct the host",
        ),
        (format!("{local}&sslmode=verify-full&sslrootcert={}", root("none.pem")), "does not exist"),
    ] {
        let error = Db::open(&url, OpenMode::Existing).await.err().unwrap().to_string();
        assert!(error.contains(refusal) && !error.contains("goal-state"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("start the server"), "{error}");
    }

    // All of the connections, the one that listens too.
    for url in [checked, format!("{}?sslmode=require", server.url)] {
        let db = Db::open(&url, OpenMode::Existing).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        let backend = Backend::default();
        let builder = Synchronizer::builder().db(db).registry(registry()).backend(backend.clone());
        let running = Running::start(builder.build().await.unwrap());
        let ours = "FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'xos-sync'";
        let listens = format!("SELECT count(*) {ours} AND query LIKE 'LISTEN%'");
        until("the feed", async || server.sql(&listens).trim() == "1").await;
        server.sql("INSERT INTO farms (name) SELECT 'farm ' || count(*) FROM farms");
        until("the farm", async || !backend.names().is_empty()).await;
        let connections = server.sql(&format!(
            "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl) {ours}"
        ));
        let (with, without) = connections.trim().split_once('|').unwrap();
        assert!(with.parse::<u32>().unwrap() >= 3 && without == "0", "{connections}");
        running.stop().await;
    }
}
