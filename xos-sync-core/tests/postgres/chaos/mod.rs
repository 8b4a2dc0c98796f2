//! Several processes on one database, while one after the other of them is killed, or the
//! server goes away again and again.
//!
//! The backend is a folder that all of them share, and that notes what must not be. Larger runs:
//! `XOS_CHAOS_OBJECTS=20000 XOS_CHAOS_SECONDS=60 cargo test … chaos -- --nocapture`.

mod child;
mod network;
mod rolling;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use network::Network;
use xos_sync_core::{
    db::{Db, OpenMode},
    migrate,
};

use crate::{server::Server, setting, world::registry};

const PROCESSES: usize = 4;

/// Longer than anything takes here: leases hold, so no row may be in two hands.
const HOLDS: Duration = Duration::from_secs(60);

/// Shorter than what a test waits for, and longer than a busy machine keeps a process waiting: then
/// leases would not hold.
const ENDS: Duration = Duration::from_secs(6);

/// A database of a server of its own, a folder that is the backend, and processes.
struct Site {
    server: Server,
    folder: tempfile::TempDir,
    objects: usize,
    processes: Vec<Child>,
    lease: Duration,
}

impl Site {
    /// Of 100 rows, 1 is at the top and 9 are between.
    async fn new(lease: Duration) -> Self {
        let mut site = Self::on(Server::start(), lease).await;
        for _ in 0..PROCESSES {
            site.start_one();
        }
        site
    }

    /// Without processes.
    async fn on(server: Server, lease: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["things", "inside", "children", "parents"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let db = Db::open(&server.url, OpenMode::Existing).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        let objects = usize::try_from(setting("XOS_CHAOS_OBJECTS", 600)).unwrap();
        let (tops, middles) = (objects / 100, objects * 9 / 100);
        let bottoms = objects - tops - middles;
        server.sql(&format!(
            "INSERT INTO farms (name) SELECT 'farm' || i FROM generate_series(1, {tops}) AS i;
             INSERT INTO fields (name, farm_id) SELECT 'field' || i, 1 + i % {tops}
             FROM generate_series(1, {middles}) AS i;
             INSERT INTO crops (name, field_id) SELECT 'crop' || i, 1 + i % {middles}
             FROM generate_series(1, {bottoms}) AS i"
        ));
        Self { server, folder, objects, processes: Vec::new(), lease }
    }

    fn start_one(&mut self) {
        let url = self.server.url.clone();
        self.start(Command::new(std::env::current_exe().unwrap()), &url);
    }

    fn start(&mut self, mut program: Command, url: &str) {
        let log = fs::File::create(self.folder.path().join(format!("log{}", fastrand::u64(..))));
        let child = program
            .args(["--exact", "chaos::child::chaos_child", "--nocapture"])
            .env("XOS_CHAOS_DIR", self.folder.path())
            .env("XOS_CHAOS_URL", url)
            .env("XOS_CHAOS_LEASE", self.lease.as_secs().to_string())
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn();
        self.processes.push(child.unwrap());
    }

    /// kill -9 of one of them; another one is started in its place.
    fn kill_one(&mut self) {
        let mut victim = self.processes.swap_remove(fastrand::usize(..self.processes.len()));
        victim.kill().unwrap();
        victim.wait().unwrap();
        self.start_one();
    }

    /// Members, and the shards of those of this process.
    fn members(&self, pid: u32) -> (u32, u32) {
        let count =
            |of: &str| self.server.sql(&format!("SELECT count(*) FROM {of}")).trim().parse();
        let shards = format!(
            "xos_sync_shards JOIN xos_sync_members USING (member) WHERE step = '-' AND place LIKE '% {pid} %'"
        );
        (count("xos_sync_members").unwrap(), count(&shards).unwrap())
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < Duration::from_secs(90), "{what} does not come");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Rows that are not in line.
    fn behind(&self) -> usize {
        let count = |table: &str| {
            format!(
                "(SELECT count(*) FROM {table} JOIN {table}_sync AS s ON s.object_id = {table}.id \
                 WHERE deleted OR enacted IS NULL OR enacted < updated OR backend_id IS NULL)"
            )
        };
        let sum = ["farms", "fields", "crops"].map(count).join(" + ");
        self.server.sql(&format!("SELECT {sum}")).trim().parse().unwrap()
    }

    /// Until all is in line; then nothing is lost, and nothing was done that must not be.
    async fn settle(&self) {
        let begun = Instant::now();
        while self.behind() > 0 {
            assert!(
                begun.elapsed() < Duration::from_secs(180),
                "{} rows are behind",
                self.behind()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.assert_nothing_wrong(self.objects);
    }

    /// What is there is what the rows say, once, and nothing was done that must not be.
    fn assert_nothing_wrong(&self, objects: usize) {
        let wrong = fs::read_to_string(self.folder.path().join("wrong")).unwrap_or_default();
        assert_eq!(wrong, "");
        let things = self.folder.path().join("things");
        assert_eq!(entries(&things), objects);
        for thing in fs::read_dir(&things).unwrap() {
            let path = thing.unwrap().path();
            assert_eq!(entries(&path), 1, "{} exists more than once", path.display());
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn killed_one_after_the_other() {
    let mut site = Site::new(HOLDS).await;
    let begun = Instant::now();
    let mut kills = 0;
    while begun.elapsed() < Duration::from_secs(setting("XOS_CHAOS_SECONDS", 6)) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        site.kill_one();
        kills += 1;
        if site.behind() == 0 {
            // Always something to do while processes die.
            site.server.sql("UPDATE crops SET water = water + 1 WHERE id % 3 = 0");
        }
    }
    site.settle().await;
    println!("{} objects, {kills} kills, settled after {:?}", site.objects, begun.elapsed());
}

#[tokio::test]
async fn the_server_goes_away_again_and_again() {
    let site = Site::new(HOLDS).await;
    let begun = Instant::now();
    for time in 0..setting("XOS_CHAOS_RESTARTS", 4) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if time % 2 == 0 {
            site.server.crash();
        } else {
            site.server.pause();
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(100..1500))).await;
        site.server.go_on();
        if site.behind() == 0 {
            site.server.sql("UPDATE crops SET water = water + 1 WHERE id % 3 = 0");
        }
    }
    site.settle().await;
    println!("{} objects, settled after {:?}", site.objects, begun.elapsed());
}

#[tokio::test]
async fn a_process_that_stalls_is_struck_out_and_stamps_nothing_late() {
    let mut site = Site::new(ENDS).await;
    let pid = |child: &Child| child.id().to_string();
    let signal = |what: &str, pid: &str| {
        assert!(Command::new("kill").args([what, pid]).status().unwrap().success());
    };
    let stalled = pid(&site.processes[0]);
    tokio::time::sleep(Duration::from_millis(700)).await;
    signal("-STOP", &stalled);
    // Longer than the lease.
    tokio::time::sleep(ENDS * 2).await;
    signal("-CONT", &stalled);
    tokio::time::sleep(Duration::from_millis(500)).await;
    site.server.sql("UPDATE crops SET water = water + 1");
    // What it had in hand when it stalled may be in another's hand too: leases did not hold.
    let wrong = site.folder.path().join("wrong");
    let told = fs::read_to_string(&wrong).unwrap_or_default();
    let others: Vec<_> = told.lines().filter(|line| !line.ends_with("at once")).collect();
    assert_eq!(others, [""; 0]);
    let _ = fs::remove_file(wrong);
    site.settle().await;
    site.kill_one();
}

#[tokio::test]
async fn a_process_that_is_cut_off_for_longer_than_its_lease_is_taken_over_from_and_comes_back() {
    let network = Network::new();
    let mut site = Site::on(Server::start_for(&network.here, &network.theirs), ENDS).await;
    let url = site.server.url.replace("127.0.0.1", &network.here);
    site.start(network.command(&std::env::current_exe().unwrap()), &url);
    let cut_off = site.processes[0].id();
    for _ in 1..PROCESSES {
        site.start_one();
    }
    let members = u32::try_from(PROCESSES).unwrap();
    for time in 1..=setting("XOS_CHAOS_CUTS", 2) {
        site.until("its part", |site| site.members(cut_off) == (members, 16)).await;
        site.server.sql("UPDATE farms SET name = name; UPDATE crops SET water = water + 1");
        tokio::time::sleep(Duration::from_millis(fastrand::u64(10..300))).await;
        let begun = Instant::now();
        network.cut();
        site.until("the take-over", |site| site.members(cut_off) == (members - 1, 0)).await;
        let taken_over = begun.elapsed();
        // The others do all of it.
        site.server.sql("UPDATE crops SET water = water + 1 WHERE id % 2 = 0");
        site.settle().await;
        tokio::time::sleep(Duration::from_secs(setting("XOS_CHAOS_CUT_SECONDS", 0))).await;
        site.server.sql("UPDATE crops SET water = water + 1 WHERE id % 2 = 1");
        let (cut, healed) = (begun.elapsed(), Instant::now());
        network.heal();
        site.until("its return", |site| site.members(cut_off) == (members, 16)).await;
        println!(
            "cut {time}: taken over from after {taken_over:.1?}, healed after {cut:.1?}, back {:.1?} later",
            healed.elapsed()
        );
        site.settle().await;
    }
}
