//! A storm of notifications, sent by somebody else, changes neither the memory of a Synchronizer
//! nor how soon it sees what really changes.
//!
//! At full size, with the aim as limit:
//! `XOS_CHAOS_STORM=1000000 XOS_CHAOS_MILLIS=100 cargo test … storm -- --nocapture`.

mod child;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use diesel::{RunQueryDsl, sql_query};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use xos_sync_core::{
    Micros,
    db::{AnyConnection, DatabaseUrl, OpenMode},
};

use crate::{
    setting,
    world::{World, in_time},
};

/// What memory may grow by, in KiB: much less than what was heard takes when it is kept.
fn most_growth(notifications: u64) -> u64 {
    1024 + notifications * 16 / 1024
}

/// Longer than any storm takes to be heard.
const LONGEST: Duration = Duration::from_secs(300);

/// A Synchronizer in a process of its own, and a connection for changes.
struct Site {
    world: World,
    child: Child,
    /// When calls began, and for which row.
    calls: UnboundedReceiver<(Micros, String)>,
    /// How many notifications the process has heard, whatever they were.
    heard: Arc<AtomicU64>,
    writer: AnyConnection,
    changes: usize,
}

/// How long changes took to their calls, and what the memory came to at its highest.
struct Weather {
    notifications: u64,
    took: Vec<Duration>,
    growth: u64,
}

impl Site {
    async fn new() -> Self {
        let world = World::of(child::registry).await;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "storm::child::storm_child", "--nocapture"])
            .env("XOS_STORM_URL", world.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (call, calls) = unbounded_channel();
        let heard = Arc::new(AtomicU64::new(0));
        let counted = heard.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
                    ["child:", "heard", count] => counted.store(count.parse().unwrap(), Relaxed),
                    ["child:", "called", at, name] => {
                        let _ = call.send((Micros(at.parse().unwrap()), name.to_owned()));
                    }
                    _ => {}
                }
            }
        });
        let writer = DatabaseUrl::parse(&world.url()).unwrap();
        let writer = writer.connect(OpenMode::Existing).unwrap();
        let mut site = Self { world, child, calls, heard, writer, changes: 0 };
        // Until all that is made once is made.
        for _ in 0..100 {
            site.change().await;
        }
        site
    }

    /// From before a change to the start of its call.
    async fn change(&mut self) -> Duration {
        self.changes += 1;
        let name = format!("calm {}", self.changes);
        let begun = Micros::now();
        let insert = format!("INSERT INTO farms (name) VALUES ('{name}')");
        sql_query(insert).execute(&mut self.writer).unwrap();
        loop {
            let (at, called) = in_time("the call", self.calls.recv()).await.unwrap();
            if called == name {
                return at.since(begun);
            }
        }
    }

    /// Changes things one after the other while `psql` sends that many notifications, and until
    /// all of them were heard.
    async fn storm(&mut self, notifications: u64, statement: &str) -> Weather {
        let before = (self.heard.load(Relaxed), self.memory("VmRSS"));
        // The highest from now on.
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
        let mut sender = Command::new("psql")
            .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement, &self.world.url()])
            .spawn()
            .unwrap();
        let (begun, mut took) = (Instant::now(), Vec::new());
        while sender.try_wait().unwrap().is_none()
            || self.heard.load(Relaxed) < before.0 + notifications
        {
            assert!(begun.elapsed() < LONGEST, "only {} were heard", self.heard.load(Relaxed));
            took.push(self.change().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(sender.wait().unwrap().success());
        Weather { notifications, took, growth: self.memory("VmHWM").saturating_sub(before.1) }
    }

    /// In KiB.
    fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{what}:")));
        line.unwrap().trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Weather {
    fn check(mut self, what: &str) {
        self.took.sort();
        let at = |share: f64| self.took[((self.took.len() - 1) as f64 * share) as usize];
        println!(
            "{} notifications for {what}: {} changes meanwhile, to the call p50 {:.1?}, p99 {:.1?}, max {:.1?}; memory grew by {} KiB",
            self.notifications,
            self.took.len(),
            at(0.5),
            at(0.99),
            at(1.0),
            self.growth
        );
        let limit = Duration::from_millis(setting("XOS_CHAOS_MILLIS", 10_000));
        assert!(at(1.0) < limit, "a change waited for {:?}", at(1.0));
        assert!(
            self.growth < most_growth(self.notifications),
            "the memory grew by {} KiB",
            self.growth
        );
    }
}

const CHANNEL: &str = "left('xos_sync.' || current_schema(), 63)";

#[tokio::test]
async fn a_storm_of_notifications_costs_no_memory_and_holds_up_no_change() {
    let strange = setting("XOS_CHAOS_STORM", 50_000);
    let same = strange / 10;
    let mut site = Site::new().await;
    // Until all that is made once is made.
    site.storm(1_000, &strange_rows(1_000)).await;
    site.storm(same, &one_row(same)).await.check("one row");
    site.storm(strange, &strange_rows(strange)).await.check("rows that do not exist");
    // Nothing was called that had not changed.
    assert!(site.calls.try_recv().is_err());
}

/// One in a transaction: the server folds those that are the same.
fn one_row(notifications: u64) -> String {
    format!(
        "DO $$ BEGIN FOR i IN 1..{notifications} LOOP \
         PERFORM pg_notify({CHANNEL}, 'farms 1'); COMMIT; END LOOP; END $$"
    )
}

fn strange_rows(notifications: u64) -> String {
    format!(
        "DO $$ BEGIN FOR i IN 1..{notifications} LOOP \
         PERFORM pg_notify({CHANNEL}, 'farms ' || i + 1000000); \
         IF i % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$"
    )
}
