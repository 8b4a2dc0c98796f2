//! kill -9 of the real `ec2` example at random instants while it creates instances: in the end there is
//! one instance for each row, and none too many.
//!
//! `XOS_CRASH_INSTANCES=100 XOS_CRASH_KILLS=50 cargo test --test ec2_crash` is the long run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "ec2/moto.rs"]
#[allow(dead_code)] // what only the other EC2 tests use
mod moto;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use moto::Moto;
use xos_sync_core::Row;
use xos_sync_core::db::{Db, OpenMode};
use xos_sync_core::models::Instance;
use xos_sync_tests::{example, number};

const REGION: &str = "us-east-1";

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_it_ends_with_one_instance_for_each_row() {
    let (instances, kills) = (number("XOS_CRASH_INSTANCES", 12), number("XOS_CRASH_KILLS", 5));
    let (moto, folder, example) = (Moto::start(), tempfile::tempdir().unwrap(), example("ec2"));
    let file = folder.path().join("goal.db");
    let start = || -> Child {
        Command::new(&example)
            .args(["--yes", "--bring-up", "--instances", &instances.to_string(), "--database"])
            .arg(&file)
            .env("AWS_ENDPOINT_URL", &moto.url)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "AKID")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };

    // Until the first instances are there.
    let mut child = start();
    wait_for("the first instance", || enough(&moto, 1));
    let (mut killed, mut while_creating) = (0, 0);
    loop {
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        let there = moto.actions("RunInstances");
        while_creating += usize::from(there < instances);
        println!("kill {killed}: {there} instances were asked for");
        if killed >= kills {
            break;
        }
        // The kills are spread over the whole creation: each comes after a few instances more, or none.
        let rest = 2 * instances.saturating_sub(there) / (kills - killed);
        let until = there + fastrand::usize(..=rest);
        child = start();
        let limit = Instant::now() + Duration::from_secs(3);
        while moto.actions("RunInstances") < until && Instant::now() < limit {
            sleep(Duration::from_millis(3));
        }
        sleep(Duration::from_millis(fastrand::u64(..100)));
    }

    let begun = Instant::now();
    let status = start().wait().unwrap();
    assert!(status.success(), "the last run ends by itself, all in line");
    println!("the last run took {:.1} s", begun.elapsed().as_secs_f64());

    let witness = moto.witness(REGION);
    let uids: BTreeSet<_> = witness
        .living()
        .iter()
        .map(|it| it["tags"]["xos:uid"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(witness.living().len(), instances, "instances that live");
    assert_eq!(uids.len(), instances, "rows that have one");
    let rows = rows(&file).await;
    assert_eq!(rows.len(), instances);
    for row in &rows {
        let book = row.bookkeeping();
        assert!(book.enacted == Some(book.updated), "{} is enacted", row.name);
        let own =
            witness.living().into_iter().find(|it| it["tags"]["xos:uid"] == book.uid).unwrap();
        assert_eq!(own["id"].as_str(), row.instance_id.as_deref());
    }
    println!(
        "{instances} rows, {killed} kills, {while_creating} of them before all instances were asked for; \
         RunInstances {} times, TerminateInstances {} times, living {}, enacted {}",
        moto.actions("RunInstances"),
        moto.actions("TerminateInstances"),
        witness.living().len(),
        rows.len(),
    );
}

fn enough(moto: &Moto, instances: usize) -> bool {
    moto.actions("RunInstances") >= instances
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < limit, "{what} does not come");
        sleep(Duration::from_millis(10));
    }
}

async fn rows(file: &Path) -> Vec<Row<Instance>> {
    let db = Db::open(&file.display().to_string(), OpenMode::Existing).await.unwrap();
    db.run(|conn| Row::load(conn, "TRUE", i64::MAX)).await.unwrap()
}
