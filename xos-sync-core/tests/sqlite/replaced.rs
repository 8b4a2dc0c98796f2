//! A file that is replaced, deleted or written over under a running Synchronizer.

use std::{fs, process::Command, sync::Arc};

use xos_sync_core::Synchronizer;

use crate::world::{Running, World, until};

/// A Synchronizer that has synced one farm, and a copy of its file with one farm more.
struct Site {
    world: World,
    synchronizer: Arc<Synchronizer>,
    running: Running,
    copy: String,
}

impl Site {
    async fn new() -> Self {
        let world = World::new().await;
        world.farm("old").await;
        let synchronizer = Arc::new(world.synchronizer().await);
        let running = Running::of(synchronizer.clone());
        until("the first farm", async || {
            world.backend.names() == ["old"] && world.status().await.is_settled()
        })
        .await;
        let copy = format!("{}.copy", world.url());
        world.shell(&format!("VACUUM INTO '{copy}'"));
        shell(&copy, "PRAGMA journal_mode = WAL; INSERT INTO farms (name) VALUES ('new')");
        Self { world, synchronizer, running, copy }
    }

    fn trouble(&self) -> String {
        self.synchronizer.trouble().map(|trouble| trouble.message).unwrap_or_default()
    }

    /// All goes on in the file that lies there now.
    async fn goes_on(self) {
        let Self { world, synchronizer, running, .. } = self;
        until("the farm of the copy", async || world.backend.names().contains(&"new".into())).await;
        until("the end of the trouble", async || synchronizer.trouble().is_none()).await;
        world.shell("INSERT INTO farms (name) VALUES ('newest')");
        until("the newest farm", async || {
            world.backend.names() == ["new", "newest", "old"] && world.status().await.is_settled()
        })
        .await;
        world.farm("by the library").await;
        assert_eq!(world.shell("SELECT count(*) FROM farms"), "4");
        running.stop().await;
        assert_eq!(world.shell("PRAGMA integrity_check"), "ok");
    }
}

fn shell(file: &str, sql: &str) {
    let output = Command::new("sqlite3").args(["-bail", "-batch", file, sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_file_that_is_replaced_is_opened_again() {
    let site = Site::new().await;
    fs::rename(&site.copy, site.world.url()).unwrap();
    site.goes_on().await;
}

#[tokio::test]
async fn a_file_that_is_gone_is_missed_until_it_is_back() {
    let site = Site::new().await;
    let url = site.world.url();
    fs::remove_file(&url).unwrap();
    until("the trouble", async || {
        site.trouble() == format!("the database file {url} is gone: put it back")
    })
    .await;
    // Nothing is written into what nobody can read any more, and no other file is made.
    site.world.try_sql("UPDATE farms SET name = 'lost'").await.unwrap_err();
    assert!(!fs::exists(&url).unwrap());
    for rest in ["wal", "shm"] {
        let _ = fs::remove_file(format!("{url}-{rest}"));
    }
    fs::rename(&site.copy, &url).unwrap();
    site.goes_on().await;
}

#[tokio::test]
async fn a_file_that_is_restored_by_the_shell_is_seen() {
    let site = Site::new().await;
    let restore = format!(".restore {}", site.copy);
    shell(&site.world.url(), &restore);
    site.goes_on().await;
}

/// Two logs of one file: whoever goes on with the old one destroys what was restored.
#[tokio::test]
async fn a_file_that_is_written_over_is_not_touched_any_more() {
    let site = Site::new().await;
    let url = site.world.url();
    shell(&site.copy, "PRAGMA wal_checkpoint(TRUNCATE)");
    for rest in ["wal", "shm"] {
        fs::remove_file(format!("{url}-{rest}")).unwrap();
    }
    fs::copy(&site.copy, &url).unwrap();
    until("the trouble", async || site.trouble().contains("was written over while it was open"))
        .await;
    let error = site.world.try_sql("UPDATE farms SET name = 'lost'").await.unwrap_err();
    assert!(error.contains("stop this program, restore the file again, and start it"), "{error}");
    let Site { world, synchronizer, running, copy } = site;
    running.ask_to_stop().abort();
    let same = fs::read(&url).unwrap() == fs::read(&copy).unwrap();
    drop((synchronizer, world.db));
    assert!(same && fs::read(&url).unwrap() == fs::read(&copy).unwrap());
}
