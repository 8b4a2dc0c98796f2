//! How long it takes until twenty servers on one network run: made by the framework, by the official client
//! in a shell loop, and by this crate's client alone, with the same calls and as many at once as the
//! framework makes. In turns, on one cloud.
//!
//! `XOS_TEST_OPENSTACK=… cargo bench -p xos-sync-openstack --bench bring_up`, with what
//! `tests/services/openstack start DIR` prints. `XOS_BENCH_SERVERS` and `XOS_BENCH_ROUNDS` change the numbers.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod contenders;
#[path = "../../tests/steps/database.rs"]
#[allow(dead_code)] // what only tests use
mod database;
#[path = "../../tests/support/loopback.rs"]
#[allow(dead_code)] // what only tests use
mod loopback;
#[path = "../../tests/steps/proxy.rs"]
#[allow(dead_code)] // what only tests use
mod proxy;
mod usage;
#[path = "../../tests/steps/world.rs"]
#[allow(dead_code)] // what only tests use
mod world;

use std::time::Duration;

use contenders::{Contender, Place};
use usage::Usage;

fn main() {
    let (servers, rounds) = (number("XOS_BENCH_SERVERS", 20), number("XOS_BENCH_ROUNDS", 3));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(compare(servers, rounds));
}

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

async fn compare(servers: usize, rounds: usize) {
    let place = Place::new(servers).await;
    println!("{servers} servers, from the first request until all are ACTIVE\n");
    println!("round  {:<28} {:>8} {:>12} {:>9}", "", "time", "client CPU", "requests");
    let mut all: [Vec<Usage>; 3] = Default::default();
    for round in 0..rounds {
        // Each is first, second and last as often.
        for turn in 0..3 {
            let which = (round + turn) % 3;
            let contender = Contender::ALL[which];
            let used = place.run(contender).await;
            println!("{:<6} {:<28} {used}", round + 1, contender.name());
            all[which].push(used);
        }
    }
    let times = all.map(|used| median(used.into_iter().map(|used| used.time)));
    println!("\nmedians");
    for (contender, time) in Contender::ALL.iter().zip(&times) {
        let ratio = time.as_secs_f64() / times[0].as_secs_f64();
        println!("{:<28} {:>8.1} s {ratio:>8.2}", contender.name(), time.as_secs_f64());
    }
    place.close().await;
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times[times.len() / 2]
}
