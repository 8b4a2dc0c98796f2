//! Contract C4: kill -9 at any moment, in any program, and the next run ends in the goal state
//! with one thing for each row.
//!
//! The program that is killed is this test binary itself: [`child::crash_child`] runs a
//! Synchronizer in a process of its own when its environment says so.

mod child;
mod kill;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::world::{World, living, registry};

/// A database, a folder that is the backend, and processes that work on them.
pub(crate) struct Site {
    pub(crate) world: World,
}

/// A Synchronizer in a process of its own.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let world = World::of(registry).await;
        fs::create_dir(things(world.folder.path())).unwrap();
        Self { world }
    }

    /// Starts a process that reports when it has come to `point`, and stays there.
    pub(crate) fn start(&self, point: &str) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child::crash_child", "--nocapture"])
            .env("XOS_CRASH_DIR", self.world.folder.path())
            .env("XOS_CRASH_URL", self.world.url())
            .env("XOS_CRASH_AT", point)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Process { child, lines }
    }

    /// Runs a process until it comes to `point`, and kills it there; whether it came there
    /// before its work was done.
    fn kill_at(&self, point: &str) -> bool {
        let mut process = self.start(point);
        let there = process.reports() == Some(format!("at {point}"));
        process.kill();
        there
    }

    /// Runs a process to the end of its work.
    fn finish(&self) {
        let mut process = self.start("never");
        assert_eq!(process.reports().as_deref(), Some("done"));
        assert!(process.child.wait().unwrap().success());
    }

    /// What the backend did since the last call of this; how often a thing was made, by name.
    fn log(&self) -> Vec<String> {
        let path = self.world.folder.path().join("log");
        let log = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, "").unwrap();
        log.lines().map(str::to_owned).collect()
    }

    /// The things that are there: name by uid.
    fn things(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(things(self.world.folder.path())).unwrap();
        files
            .map(|file| file.unwrap().path())
            .map(|path| {
                let uid = path.file_name().unwrap().to_str().unwrap().to_owned();
                (uid, fs::read_to_string(path).unwrap())
            })
            .collect()
    }

    /// One thing for each row, and all rows in line.
    async fn assert_converged(&self, point: &str) {
        let mut rows = BTreeMap::new();
        for table in ["farms", "fields", "crops"] {
            for row in self.world.ask("uid || '=' || name", &living(table)).await {
                let (uid, name) = row.split_once('=').unwrap();
                rows.insert(uid.to_owned(), name.to_owned());
            }
            let behind = format!(
                "{} WHERE coalesce(enacted, 0) <> updated OR coalesce(backend_id, '') <> 'b-' || name",
                living(table)
            );
            let deleted = format!("FROM {table}_sync WHERE deleted");
            assert_eq!(self.world.ask("uid", &deleted).await, [""; 0], "{point}");
            assert_eq!(self.world.ask("name", &behind).await, [""; 0], "{point}");
        }
        assert_eq!(self.things(), rows, "{point}");
        assert_eq!(self.world.ask("ids", "FROM xos_sync_journal").await, [""; 0], "{point}");
    }
}

impl Process {
    /// The next line that the child says, but not what the test harness around it says.
    pub(crate) fn reports(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            // The harness writes the test's name without an end of line.
            if let Some((_, said)) = line.trim_end().split_once("child: ") {
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn things(folder: &Path) -> PathBuf {
    folder.join("things")
}
