//! The most memory that a pass takes, in a process of its own.

use std::process::Command;

use xos_sync_core::{
    Synchronizer,
    db::{Db, OpenMode},
};

use super::tables::{Bench, Shape, registry};

/// Makes a database of this many pending rows and lets a child work through it.
pub fn measure(pending: i64) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(async {
        let bench = Bench::new(Shape::Flat, pending).await;
        bench.make_pending(pending).await;
        bench
    });
    let url = bench.url.clone();
    drop((bench.db, runtime));
    let child = Command::new(std::env::current_exe().unwrap())
        .arg("--memory-child")
        .arg(url)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    format!("{pending} pending rows: {}", String::from_utf8_lossy(&child.stdout).trim())
}

pub async fn child(url: &str) {
    let before = high_water();
    let db = Db::open(url, OpenMode::Existing).await.unwrap();
    let synchronizer = Synchronizer::builder().db(db).registry(registry()).build().await.unwrap();
    let report = synchronizer.pass().await.unwrap();
    println!(
        "{} enacted in {:.1} s, at most {} MB of memory ({} MB before it began)",
        report.enacted,
        report.took.as_secs_f64(),
        high_water() / 1024,
        before / 1024
    );
}

/// `VmHWM`, in kB.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
