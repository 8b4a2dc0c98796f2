//! What the framework costs beside a loop written by hand over the same tables: the same rows,
//! read and stamped in batches, with no framework between them. Both run in this process, in
//! turn, so that their ratio holds on a busy machine too.
//!
//! `cargo bench -p xos-sync-core --bench pass` runs all of it; `-- quick` leaves out the million
//! rows. With `--features postgres` and `XOS_BENCH_POSTGRES` set to what `XOS_POSTGRES_OPTIONS="-c
//! fsync=on" tests/services/postgres start DIR` prints, it runs on that server.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod by_hand;
mod memory;
mod tables;

use std::time::{Duration, Instant};

use tables::{Bench, Shape};

const PENDING: i64 = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Some(at) = arguments.iter().position(|a| a == "--memory-child") {
        return runtime.block_on(memory::child(&arguments[at + 1]));
    }
    let quick = arguments.iter().any(|argument| argument == "quick");
    let totals: &[i64] = if quick { &[10_000] } else { &[10_000, 1_000_000] };
    println!(
        "{PENDING} pending rows, a step that does nothing, {}; medians of {ROUNDS} rounds\n",
        if std::env::var_os("XOS_BENCH_POSTGRES").is_some() { "PostgreSQL" } else { "SQLite" }
    );
    println!("shape        rows        framework              by hand                ratio");
    for shape in [Shape::Flat, Shape::Levels] {
        for &total in totals {
            let row = runtime.block_on(throughput(shape, total));
            println!("{row}");
        }
    }
    println!("\nidle pass    rows        time         index entries to look at");
    for &total in &[1_000, *totals.last().unwrap()] {
        println!("{}", runtime.block_on(idle(total)));
    }
    if !quick {
        println!("\n{}", memory::measure(1_000_000));
    }
}

async fn throughput(shape: Shape, total: i64) -> String {
    let bench = Bench::new(shape, total).await;
    let (mut framework, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bench.make_pending(PENDING).await;
        let begun = Cost::begin();
        let report = bench.synchronizer().await.pass().await.unwrap();
        framework.push(begun.end());
        assert_eq!(report.enacted, PENDING as u64);
        bench.make_pending(PENDING).await;
        let begun = Cost::begin();
        assert_eq!(by_hand::run(&bench.db, shape).await, PENDING as usize);
        by_hand.push(begun.end());
    }
    let (framework, by_hand) = (median(framework), median(by_hand));
    format!(
        "{:<12} {total:<11} {framework}   {by_hand}   {:.2}",
        shape.name(),
        by_hand.wall.as_secs_f64() / framework.wall.as_secs_f64(),
    )
}

/// What [`PENDING`] objects cost.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

impl Cost {
    fn begin() -> (Instant, Duration) {
        (Instant::now(), cpu())
    }
}

trait End {
    fn end(self) -> Cost;
}

impl End for (Instant, Duration) {
    fn end(self) -> Cost {
        Cost { wall: self.0.elapsed(), cpu: cpu() - self.1 }
    }
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by_key(|cost| cost.wall);
    costs[costs.len() / 2]
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = PENDING as f64 / self.wall.as_secs_f64();
        let micros = self.cpu.as_secs_f64() * 1e6 / PENDING as f64;
        write!(f, "{rate:>7.0}/s {micros:>5.1} µs CPU")
    }
}

/// The processor time that this process has had, all threads together.
fn cpu() -> Duration {
    let nanos: u64 = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanos)
}

async fn idle(total: i64) -> String {
    let bench = Bench::new(Shape::Flat, total).await;
    let synchronizer = bench.synchronizer().await;
    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(synchronizer.pass().await.unwrap().calls(), 0);
        times.push(begun.elapsed());
    }
    times.sort();
    let entries = bench.index_entries().await;
    format!(
        "             {total:<11} {:>7.2} ms   {entries}",
        times[times.len() / 2].as_secs_f64() * 1e3
    )
}
