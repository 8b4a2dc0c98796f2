//! The Synchronizer as a process that is killed.

use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use xos_sync_core::Micros;
use xos_sync_core::status::Status;
use xos_sync_tests::example;

use super::goal::Goal;

/// Longer than anything takes here.
const LONGEST: Duration = Duration::from_secs(300);

/// The `openstack` example's plain Synchronizer on a goal state, and what became of it.
pub(crate) struct Killed<'a> {
    goal: &'a Goal,
    program: PathBuf,
    log: PathBuf,
    kills: usize,
    at_work: usize,
    finished: Vec<f64>,
}

impl<'a> Killed<'a> {
    pub(crate) fn new(goal: &'a Goal) -> Self {
        let program = example("openstack");
        let log = goal.file.with_file_name("log");
        Self { goal, program, log, kills: 0, at_work: 0, finished: Vec::new() }
    }

    fn start(&self, more: &[&str]) -> Child {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        Command::new(&self.program)
            .args(["run", "--database"])
            .arg(&self.goal.file)
            .args(more)
            .env("RUST_LOG", "warn")
            .env_remove("XOS_IMAGES_DIRECTORY")
            .env_remove("XOS_OPENSTACK_ROLES")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Starts and kills it so often. The kills are spread over all that is to be done: each comes when some rows
    /// more are in line, or the time is over that it has, and a moment later.
    pub(crate) async fn at_random(&mut self, kills: usize) {
        for kill in 0..kills {
            let open = self.goal.open().await;
            let until = open.saturating_sub(1 + fastrand::usize(..=2 * open / (kills - kill)));
            let mut child = self.start(&[]);
            let limit = Instant::now() + Duration::from_millis(fastrand::u64(500..5000));
            while self.goal.open().await > until && Instant::now() < limit {
                sleep(Duration::from_millis(20)).await;
            }
            sleep(Duration::from_millis(fastrand::u64(..200))).await;
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself: {}", self.said());
            child.kill().unwrap();
            child.wait().unwrap();
            let left = self.goal.open().await;
            self.kills += 1;
            self.at_work += usize::from(left > 0);
            println!("kill {}: {left} rows are left", self.kills);
        }
    }

    /// Starts it and waits until everything is in line; and then another one, which first looks at all that is on
    /// the cloud, as each would that runs for some minutes.
    pub(crate) async fn left_to_finish(&mut self) {
        let begun = Instant::now();
        self.until_in_line(&[], 0).await;
        self.finished.push(begun.elapsed().as_secs_f64());
        self.until_in_line(&["--come-round"], Micros::now().0).await;
    }

    /// Starts it, waits until all steps have looked at the cloud since then and all is in line, and asks it to
    /// end.
    async fn until_in_line(&self, more: &[&str], since: i64) {
        let mut child = self.start(more);
        let is_done = |status: &Status| {
            let looked = |last: Option<i64>| last.is_some_and(|last| last >= since);
            status.steps.iter().all(|step| looked(step.last_run)) && status.is_settled()
        };
        let limit = Instant::now() + LONGEST;
        loop {
            let status = self.goal.status().await;
            if is_done(&status) {
                break;
            }
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself: {}", self.said());
            if Instant::now() > limit {
                child.kill().unwrap();
                panic!("it does not come to an end:\n{status}\n{}", self.said());
            }
            sleep(Duration::from_millis(50)).await;
        }
        let asked = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(asked.success() && child.wait().unwrap().success(), "{}", self.said());
    }

    /// Its log.
    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl fmt::Display for Killed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said();
        let surplus = said.lines().filter(|line| line.contains("too many for")).count();
        write!(
            f,
            "{} kills, {} of them while something was left to do; finished in {:.1?} s; {surplus} things too many were \
             found and deleted\n{said}",
            self.kills, self.at_work, self.finished
        )
    }
}
