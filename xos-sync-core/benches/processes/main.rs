//! One, two and four processes on one database, with a step whose calls take 20 ms: objects a
//! second, and the share of what so many hands could do if nothing else took time.
//!
//! `XOS_BENCH_POSTGRES=postgres://… cargo bench -p xos-sync-core --features postgres --bench
//! processes`, with what `tests/services/postgres start DIR` prints.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    process::{Child, Command},
    time::{Duration, Instant},
};

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use xos_sync_core::{
    Context, Outcome, Registry, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    migrate, model, sync_step,
};

/// Of one process.
const HANDS: usize = 16;
const CALL: Duration = Duration::from_millis(20);
/// For each process.
const ROWS: usize = 4_000;

/// What there is to do.
#[model(table = chores)]
pub struct Chore {
    /// Its key.
    pub id: xos_sync_core::Id<Chore>,
    /// Its name.
    pub name: String,
}

/// Takes its time.
#[sync_step(provides = Chore, interval = 86400, synchronizer = "processes", concurrency = 16)]
pub struct SyncChores;

impl SyncStep for SyncChores {
    async fn sync_record(&self, _: &Context, _: &mut xos_sync_core::Row<Chore>) -> StepResult {
        tokio::time::sleep(CALL).await;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<Chore>) -> StepResult {
        Ok(Outcome::Done)
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(url) = std::env::var("XOS_BENCH_CHILD") {
        return runtime.block_on(child(&url));
    }
    let server = std::env::var("XOS_BENCH_POSTGRES").expect("XOS_BENCH_POSTGRES names no server");
    println!("{HANDS} calls of {} ms at once in each process\n", CALL.as_millis());
    println!("processes   objects/s   of the ideal");
    for processes in [1, 2, 4] {
        let took = runtime.block_on(measure(&server, processes));
        let rate = (ROWS * processes) as f64 / took.as_secs_f64();
        let ideal = (HANDS * processes) as f64 / CALL.as_secs_f64();
        println!("{processes:<11} {rate:>9.0} {:>12.2}", rate / ideal);
    }
}

fn registry() -> Registry {
    Registry::default().model::<Chore>().unwrap().step(SyncChores::registration())
}

async fn child(url: &str) {
    let synchronizer = Synchronizer::builder().database(url).registry(registry());
    synchronizer.build().await.unwrap().run(std::future::pending()).await.unwrap();
}

/// From the moment when there is something to do until nothing is left.
async fn measure(server: &str, processes: usize) -> Duration {
    let schema = format!("p{}", uuid::Uuid::new_v4().simple());
    let made =
        Command::new("psql").args(["-qc", &format!("CREATE SCHEMA {schema}"), server]).status();
    assert!(made.unwrap().success());
    let url = format!("{server}?options=-csearch_path%3D{schema}");
    let db = Db::open(&url, OpenMode::Create).await.unwrap();
    migrate::migrate(&db, &registry()).await.unwrap();
    let mut children: Vec<Child> = (0..processes)
        .map(|_| {
            let mut program = Command::new(std::env::current_exe().unwrap());
            program.env("XOS_BENCH_CHILD", &url).spawn().unwrap()
        })
        .collect();
    let shares =
        "SELECT count(DISTINCT member) AS rows FROM xos_sync_shards WHERE member IS NOT NULL";
    while count(&db, shares).await != processes as i64 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let insert = format!(
        "INSERT INTO chores (name) SELECT 'chore ' || i FROM generate_series(1, {}) AS i",
        ROWS * processes
    );
    let begun = Instant::now();
    db.write(move |conn| sql_query(&insert).execute(conn)).await.unwrap();
    let left = "SELECT count(*) AS rows FROM chores_sync WHERE enacted IS NULL";
    while count(&db, left).await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    took
}

async fn count(db: &Db, query: &'static str) -> i64 {
    let counted: Count = db.run(move |conn| sql_query(query).get_result(conn)).await.unwrap();
    counted.rows
}
