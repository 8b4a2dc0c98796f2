//! How long it takes from a change to the start of its step's call: changes one by one, on an
//! idle system and beside a load of pending rows. Each PostgreSQL change is also seen by a bare
//! LISTEN client, in the same run.
//!
//! `XOS_BENCH_POSTGRES=postgres://… cargo bench -p xos-sync-core --features postgres --bench latency`

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bare;
mod tables;

use std::time::{Duration, Instant};

use diesel::{RunQueryDsl, sql_query};
use tables::{Bench, Load};

const CHANGES: usize = 2_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "{CHANGES} changes; time from before the change's statement to the start of its call\n"
    );
    println!("{:<34} {:>9} {:>9} {:>9}", "", "p50", "p99", "max");
    for load in [Load::Idle, Load::Pending] {
        runtime.block_on(in_process(load));
        if let Ok(server) = std::env::var("XOS_BENCH_POSTGRES") {
            runtime.block_on(over_a_server(&server, load));
        }
    }
}

/// Written by the program itself, into a file.
async fn in_process(load: Load) {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("goal.db").display().to_string();
    let mut bench = Bench::start(&url, load).await;
    let mut times = Vec::new();
    for at in 0..CHANGES {
        let begun = Instant::now();
        let statement = change(at);
        bench.db.write(move |conn| sql_query(&statement).execute(conn)).await.unwrap();
        times.push(bench.called().await - begun);
    }
    report("in process, SQLite", load, times);
    bench.stop().await;
}

/// Written by another program, into a server.
async fn over_a_server(server: &str, load: Load) {
    let url = tables::schema(server);
    let mut bench = Bench::start(&url, load).await;
    let (mut writer, bare) = (bare::connect(&url), bare::Listener::start(&url));
    let (mut times, mut seen) = (Vec::new(), Vec::new());
    for at in 0..CHANGES {
        let begun = Instant::now();
        sql_query(change(at)).execute(&mut writer).unwrap();
        times.push(bench.called().await - begun);
        seen.push(bare.seen().await - begun);
    }
    report("PostgreSQL NOTIFY", load, times);
    report("  a bare LISTEN client", load, seen);
    bench.stop().await;
}

fn change(at: usize) -> String {
    format!("UPDATE probes SET name = 'probe {at}'")
}

fn report(what: &str, load: Load, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| {
        let place = ((times.len() - 1) as f64 * share) as usize;
        format!("{:.2} ms", times[place].as_secs_f64() * 1e3)
    };
    let what = format!("{what}{}", load.name());
    println!("{what:<34} {:>9} {:>9} {:>9}", at(0.5), at(0.99), at(1.0));
}
