//! What a contender has used.

use std::fmt;
use std::time::{Duration, Instant};

use crate::loopback::Loopback;

/// Time, processor time, and requests.
pub struct Usage {
    pub time: Duration,
    cpu: f64,
    requests: usize,
}

impl Usage {
    /// Of what runs until `work` is done, in this process or in children that it waits for.
    pub async fn of(work: impl Future<Output = ()>) -> Self {
        let (cpu, requests, begun) = (cpu(), requests(), Instant::now());
        work.await;
        let time = begun.elapsed();
        Self { time, cpu: self::cpu() - cpu, requests: self::requests() - requests }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, cpu, requests } = self;
        write!(f, "{:>6.1} s {cpu:>10.1} s {requests:>9}", time.as_secs_f64())
    }
}

/// Seconds of this process, and of its children that have ended.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(4).map(|field| field.parse::<f64>().unwrap());
    // Hundredths of a second on every Linux.
    ticks.sum::<f64>() / 100.0
}

/// How many requests of clients the cloud has seen: not those that its services send each other.
fn requests() -> usize {
    let log = Loopback::file().parent().unwrap().join("log");
    let access = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap());
    let access = access.filter(|it| it.file_name().to_string_lossy().starts_with("access-"));
    let of_client = |line: &&str| {
        ["xos-sync-openstack/", "openstacksdk", "openstackclient"]
            .iter()
            .any(|it| line.contains(it))
    };
    let lines = |path| std::fs::read_to_string(path).unwrap().lines().filter(of_client).count();
    access.map(|entry| lines(entry.path())).sum()
}
