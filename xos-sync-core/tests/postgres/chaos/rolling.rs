//! A deployment that goes to and fro between two versions of a program, under load: rows come, move
//! and go while processes are replaced, some by kill -9.
//!
//! A soak: `XOS_CHAOS_SECONDS=300 cargo test -p xos-sync-core --features postgres --test postgres rolling --
//! --nocapture`.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

use super::{HOLDS, Site, setting};
use crate::server::Server;

const PROCESSES: usize = 3;

/// One transaction of a writer: a farm comes with all that is in it, goes with all that is in it, or
/// goes after its fields have moved; or crops move.
const WRITE: &str = "
DO $$
DECLARE
    one bigint; other bigint; fields_of_one bigint[];
BEGIN
    SELECT id INTO one FROM farms ORDER BY random() LIMIT 1;
    SELECT id INTO other FROM farms WHERE id <> one ORDER BY random() LIMIT 1;
    CASE floor(random() * 6)::int
    WHEN 0 THEN
        UPDATE fields SET farm_id = other WHERE farm_id = one AND other IS NOT NULL;
        DELETE FROM farms WHERE id = one AND other IS NOT NULL;
    WHEN 1 THEN
        fields_of_one := ARRAY(SELECT id FROM fields WHERE farm_id = one);
        DELETE FROM crops WHERE field_id = ANY (fields_of_one);
        DELETE FROM fields WHERE farm_id = one;
        DELETE FROM farms WHERE id = one;
    WHEN 2 THEN
        UPDATE crops SET field_id = (SELECT id FROM fields ORDER BY random() LIMIT 1)
        WHERE id IN (SELECT id FROM crops ORDER BY random() LIMIT 10)
        AND EXISTS (SELECT 1 FROM fields);
    ELSE
        INSERT INTO farms (name) VALUES (gen_random_uuid()::text) RETURNING id INTO one;
        INSERT INTO fields (name, farm_id) SELECT 'field ' || i, one FROM generate_series(1, 3) AS i;
        INSERT INTO crops (name, field_id) SELECT 'crop of ' || id, id FROM fields, generate_series(1, 3)
        WHERE farm_id = one;
    END CASE;
END $$";

impl Site {
    /// Another process in the place of one that is asked to end, or killed.
    fn replace_one(&mut self, version: &str) {
        let mut victim = self.processes.remove(0);
        if fastrand::bool() {
            victim.kill().unwrap();
        } else {
            let pid = victim.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        }
        victim.wait().unwrap();
        self.start_version(version);
    }

    fn start_version(&mut self, version: &str) {
        let url = self.server.url.clone();
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.env("XOS_CHAOS_VERSION", version);
        self.start(program, &url);
    }

    /// Rows, and what is left of deleted ones.
    fn rows(&self) -> (usize, usize) {
        let count = |which: &str| {
            let sum = ["farms", "fields", "crops"]
                .map(|table| format!("(SELECT count(*) FROM {table}_sync WHERE {which})"))
                .join(" + ");
            self.server.sql(&format!("SELECT {sum}")).trim().parse().unwrap()
        };
        (count("NOT deleted"), count("deleted"))
    }
}

/// How many transactions there were.
fn write_for(lasts: Duration, url: &str) -> usize {
    let mut connection = PgConnection::establish(url).unwrap();
    let begun = Instant::now();
    let mut writes = 0;
    while begun.elapsed() < lasts {
        connection.batch_execute(WRITE).unwrap();
        writes += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    writes
}

#[tokio::test]
async fn a_rolling_deployment_loses_nothing() {
    let mut site = Site::on(Server::start(), HOLDS).await;
    for version in ["older", "newer", "older"] {
        site.start_version(version);
    }
    assert_eq!(site.processes.len(), PROCESSES);
    let lasts = Duration::from_secs(setting("XOS_CHAOS_SECONDS", 6));
    let writer = tokio::task::spawn_blocking({
        let url = site.server.url.clone();
        move || write_for(lasts, &url)
    });
    let (begun, mut replaced) = (Instant::now(), 0);
    while !writer.is_finished() {
        tokio::time::sleep(Duration::from_millis(700)).await;
        site.replace_one(if fastrand::bool() { "older" } else { "newer" });
        replaced += 1;
    }
    let writes = writer.await.unwrap();
    for _ in 0..PROCESSES {
        site.replace_one("newer");
    }
    site.until("all of it", |site| site.behind() == 0 && site.rows().1 == 0).await;
    let (rows, _) = site.rows();
    let ever = "SELECT sum(n) FROM (SELECT max(sync_id) AS n FROM farms_sync UNION ALL \
                SELECT max(sync_id) FROM fields_sync UNION ALL SELECT max(sync_id) FROM crops_sync) AS t";
    let ever = site.server.sql(ever);
    site.assert_nothing_wrong(rows);
    println!(
        "{replaced} replacements, {writes} transactions, {rows} rows at the end of {} that ever were, after {:?}",
        ever.trim(),
        begun.elapsed()
    );
}
