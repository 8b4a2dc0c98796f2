//! A bus whose server goes away again and again. A Synchronizer on a database server that tells it
//! nothing hears of changes by the bus alone.
//!
//! More of it: `XOS_CHAOS_RESTARTS=10`.

use std::time::{Duration, Instant};

use xos_sync_core::{
    db::{Db, OpenMode},
    event::{Bridge, feed_at, publisher_at},
};

use crate::{
    relay::{Fate, Relay},
    world::{Running, World, registry, until},
};

/// For a safety poll.
const NEVER: Duration = Duration::from_secs(3600);

/// A server of a test's own.
pub(crate) trait Bus {
    /// Starts it, for the first time or again; the URL of a stream or node of its own, the same
    /// each time.
    fn begin(&mut self) -> String;

    /// As when its machine dies.
    fn crash(&mut self);

    /// As when it is restarted: in order.
    fn end(&mut self);
}

/// A Synchronizer that hears by the bus alone.
struct Site<B> {
    bus: B,
    url: String,
    world: World,
    running: Running,
    _relay: Relay,
}

impl<B: Bus> Site<B> {
    async fn new(mut bus: B, safety_poll: Duration) -> Self {
        let url = bus.begin();
        let world = World::new().await;
        let relay = Relay::start(&world.url(), deaf);
        let builder = world
            .builder()
            .db(Db::open(&relay.url, OpenMode::Existing).await.unwrap())
            .lease(Duration::from_secs(1))
            .safety_poll(safety_poll)
            .feed(feed_at(&url).unwrap());
        let running = Running::start(builder.build().await.unwrap());
        let site = Self { bus, url, world, running, _relay: relay };
        site.until_shown(Shown::Up).await;
        site
    }

    /// From now on the bus is told of all changes.
    fn bridge(&self) {
        let publisher = publisher_at(&self.url).unwrap();
        let bridge = Bridge::new(self.world.db.clone(), &registry(), publisher);
        tokio::spawn(bridge.run(std::future::pending()));
    }

    fn start_again(&mut self) {
        assert_eq!(self.bus.begin(), self.url);
    }

    /// Until the status shows it so; there is one process all the time, and it has all rows.
    async fn until_shown(&self, so: Shown) {
        until("the feed's status", async || {
            let processes = self.world.status().await.processes;
            assert!(processes.len() <= 1, "{processes:?}");
            let down = self.world.shown().await.contains("is down since");
            let Some(process) = processes.first() else { return false };
            let feeds = &process.feeds;
            let is_so = match so {
                Shown::Up => feeds.len() == 2 && feeds.iter().all(|feed| feed.up) && !down,
                Shown::Down => feeds.iter().any(|feed| !feed.up) && down,
            };
            // A process that has just begun has no rows yet.
            is_so && process.shards == 64
        })
        .await;
    }

    fn add(&self, name: &str) {
        self.world.shell(&format!("INSERT INTO farms (name) VALUES ('{name}')"));
    }

    fn has(&self, name: &str) -> bool {
        self.world.backend.lock().things.values().any(|there| there == name)
    }

    /// Each row was called for once.
    async fn check(self, mut names: Vec<String>) {
        self.running.stop().await;
        names.sort();
        assert_eq!(self.world.backend.names(), names);
        assert_eq!(self.world.backend.log().len(), names.len());
    }
}

/// Waits until this process has ended.
pub(crate) fn wait_for_end_of(pid: &str) {
    let begun = Instant::now();
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    while state().rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')) {
        assert!(begun.elapsed() < Duration::from_secs(30), "process {pid} does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[derive(Clone, Copy)]
enum Shown {
    Up,
    Down,
}

/// It listens on another channel than the one that the triggers tell.
fn deaf(said: &mut [u8]) -> Fate {
    let (listen, length) = (b"LISTEN \"xos_sync.", "xos_sync".len());
    if let Some(at) = said.windows(listen.len()).position(|words| words == listen) {
        let channel = at + listen.len() - 1 - length;
        said[channel..channel + length].copy_from_slice(b"xos_deaf");
    }
    Fate::Pass
}

pub(crate) async fn again_and_again(bus: impl Bus) {
    let mut site = Site::new(bus, NEVER).await;
    site.bridge();
    let restarts = std::env::var("XOS_CHAOS_RESTARTS").map_or(2, |times| times.parse().unwrap());
    let (mut names, mut back) = (Vec::new(), Vec::new());
    for time in 0..restarts {
        let (by_event, late) = (format!("while up {time}"), format!("while down {time}"));
        site.add(&by_event);
        until("what the bus tells", async || site.has(&by_event)).await;
        if time % 2 == 0 {
            site.bus.crash();
        } else {
            site.bus.end();
        }
        site.until_shown(Shown::Down).await;
        site.add(&late);
        tokio::time::sleep(Duration::from_millis(fastrand::u64(100..600))).await;
        // Nobody has told it.
        assert!(!site.has(&late));
        site.start_again();
        let begun = Instant::now();
        until("what was missed", async || site.has(&late)).await;
        back.push(begun.elapsed());
        site.until_shown(Shown::Up).await;
        names.extend([by_event, late]);
    }
    println!(
        "{restarts} restarts; what was missed was found, after the server was there: {back:.1?}"
    );
    site.check(names).await;
}

/// Nobody publishes what changes; whoever comes back looks at all.
pub(crate) async fn found_when_it_is_back(bus: impl Bus) {
    let mut site = Site::new(bus, NEVER).await;
    site.bus.crash();
    site.until_shown(Shown::Down).await;
    site.add("missed");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!site.has("missed"));
    site.start_again();
    until("the row", async || site.has("missed")).await;
    site.check(vec!["missed".into()]).await;
}

pub(crate) async fn found_by_the_poll(bus: impl Bus) {
    let mut site = Site::new(bus, Duration::from_millis(500)).await;
    site.bus.crash();
    site.until_shown(Shown::Down).await;
    site.add("polled");
    until("the row", async || site.has("polled")).await;
    site.until_shown(Shown::Down).await;
    site.check(vec!["polled".into()]).await;
}
