//! How long it takes from a change to the start of its step's call: changes one by one, on an
//! idle system and beside a load of pending rows. Each change is also seen by a bare client of
//! the same transport, in the same run.
//!
//! `XOS_BENCH_POSTGRES=postgres://… XOS_BENCH_NATS=nats://… XOS_BENCH_XMPP=xmpp://… \
//! cargo bench -p xos-sync-core --features postgres,nats,xmpp --bench latency`, with what
//! `tests/services/{postgres,nats,prosody} start DIR` print.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bare;
mod bus;
mod tables;

use std::time::{Duration, Instant};

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use tables::{Bench, Load};
use xos_sync_core::{
    Micros,
    event::{self, Change, Publisher as _},
};

const CHANGES: usize = 2_000;

/// Changes before those, while connections are made.
const WARM: usize = 20;

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
            for (name, variable) in [("NATS", "XOS_BENCH_NATS"), ("XMPP", "XOS_BENCH_XMPP")] {
                if let Ok(bus) = std::env::var(variable) {
                    runtime.block_on(over_a_bus(&server, name, &bus, load));
                }
            }
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
        seen.push(bare.seen_after(begun).await - begun);
    }
    report("PostgreSQL NOTIFY", load, times);
    report("  a bare LISTEN client", load, seen);
    bench.stop().await;
}

/// Written where the server tells nobody, and published on a bus.
async fn over_a_bus(server: &str, name: &str, bus: &str, load: Load) {
    let url = tables::schema(server);
    let feed = event::feed_at(bus).unwrap();
    let mut bench = Bench::start_with(&url, load, |builder| builder.feed(feed)).await;
    let mut publisher = event::publisher_at(bus).unwrap();
    let mut bare = bus::Subscriber::start(bus).await;
    let mut writer = bare::connect(&url);
    let uid = bench.uid().await;
    // Only the bus tells of the changes.
    writer.batch_execute("ALTER TABLE probes_sync DISABLE TRIGGER probes_notify").unwrap();
    let (mut times, mut seen) = (Vec::new(), Vec::new());
    for at in 0..CHANGES + WARM {
        let begun = Instant::now();
        sql_query(change(at)).execute(&mut writer).unwrap();
        publisher.publish(&Change::of_row("probes", &uid, Micros::now())).await.unwrap();
        let (called, heard) = tokio::join!(bench.called(), bare.seen());
        if at >= WARM {
            times.push(called - begun);
            seen.push(heard - begun);
        }
    }
    report(name, load, times);
    report(&format!("  a bare {name} subscriber"), load, seen);
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
