use diesel::connection::SimpleConnection;
use tempfile::TempDir;

use super::*;
use crate::{
    db::{DatabaseUrl, Db, OpenMode},
    model::{Micros, Model as _},
    models::Site,
    registry::Registry,
};

/// Sites 1 to 4, at version 100 each.
fn sites() -> (AnyConnection, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::parse(&folder.path().join("goal.db").display().to_string()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let db = Db::open(&url.to_string(), OpenMode::Create).await.unwrap();
        crate::migrate::migrate(&db, &Registry::linked().unwrap()).await.unwrap();
    });
    let mut conn = url.connect(OpenMode::Existing).unwrap();
    conn.batch_execute(
        "INSERT INTO sites (name, login_base) VALUES ('a', 'a'), ('b', 'b'), ('c', 'c'), ('d', 'd'); \
         UPDATE sites_sync SET updated = 100;",
    )
    .unwrap();
    (conn, folder)
}

fn outcome(id: i64, read: i64, stamp: Stamp) -> Outcome {
    Outcome {
        model: Site::INFO,
        id,
        read,
        references: Vec::new(),
        step: "openstack.SyncSites".into(),
        stamp,
        resync_at: None,
        save: None,
    }
}

fn failed(attempts: i32) -> Stamp {
    let retry = Retry { attempts, at: Micros(7) };
    Stamp::Later(Later {
        class: BackendClass::Transient,
        reason: Reason::BACKEND_ERROR,
        message: "no power".into(),
        retry,
    })
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn ask(conn: &mut AnyConnection, what: &str) -> Vec<String> {
    let lines: Vec<Line> = sql_query(format!(
        "SELECT coalesce(CAST({what} AS TEXT), '-') AS line FROM sites_sync ORDER BY sync_id"
    ))
    .load(conn)
    .unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

fn write(conn: &mut AnyConnection, outcomes: &[Outcome], free: &str) -> Stamped {
    let removable = BTreeMap::from([(("sites", Removal::Called), free.to_owned())]);
    stamp(conn, outcomes, &removable, Care::Hopeful).unwrap()
}

#[test]
fn what_was_read_is_stamped_and_a_stamp_never_goes_back() {
    let (mut conn, _folder) = sites();
    conn.batch_execute(
        "UPDATE sites_sync SET enacted = 90 WHERE sync_id = 2; UPDATE sites_sync SET enacted = 200 WHERE sync_id = 3",
    )
    .unwrap();
    let outcomes = [1, 2, 3].map(|id| outcome(id, 100, Stamp::Enacted(Before::Steady)));
    write(&mut conn, &outcomes, "TRUE");
    assert_eq!(ask(&mut conn, "enacted"), ["100", "100", "200", "-"]);
    assert_eq!(ask(&mut conn, "updated"), ["100"; 4]);
}

#[test]
fn a_row_that_changed_while_it_was_in_hand_stays_behind_and_is_told() {
    let (mut conn, _folder) = sites();
    let unchanged = write(&mut conn, &[outcome(1, 100, Stamp::Enacted(Before::Steady))], "TRUE");
    assert!(unchanged.changed.is_empty());
    conn.batch_execute("UPDATE sites_sync SET updated = 101 WHERE sync_id = 2").unwrap();
    let changed = write(&mut conn, &[outcome(2, 100, Stamp::Enacted(Before::Steady))], "TRUE");
    assert!(changed.changed.contains("sites"));
    assert_eq!(ask(&mut conn, "enacted < updated")[..2], ["0", "1"]);
}

#[test]
fn a_failure_is_written_for_the_version_that_failed() {
    let (mut conn, _folder) = sites();
    conn.batch_execute("UPDATE sites_sync SET updated = 101 WHERE sync_id = 2").unwrap();
    let stamped =
        write(&mut conn, &[outcome(1, 100, failed(3)), outcome(2, 100, failed(3))], "TRUE");
    assert!(stamped.changed.contains("sites"));
    assert_eq!(ask(&mut conn, "backend_status || attempts || retry_at")[..2], ["no power37", "-"]);
    // Either way the backend may hold something of it.
    assert_eq!(ask(&mut conn, "attempted"), ["1", "1", "0", "0"]);
    // Success takes all of it back.
    write(&mut conn, &[outcome(1, 100, Stamp::Enacted(Before::Troubled))], "TRUE");
    assert_eq!(ask(&mut conn, "backend_status || backend_class")[0], "-");
    assert_eq!(ask(&mut conn, "attempts || coalesce(retry_at, ' at once')")[0], "0 at once");
}

#[test]
fn only_rows_whose_deletion_stands_and_that_are_free_are_removed() {
    let (mut conn, _folder) = sites();
    conn.batch_execute("UPDATE sites_sync SET deleted = TRUE WHERE sync_id <> 2").unwrap();
    conn.batch_execute(
        "UPDATE sites_sync SET updated = 150; UPDATE sites_sync SET updated = 151 WHERE sync_id = 3",
    )
    .unwrap();
    // 1 is free; 2 is live; 3 has changed since; 4 is referenced.
    let outcomes = [1, 2, 3, 4].map(|id| outcome(id, 150, Stamp::Gone));
    let stamped = write(&mut conn, &outcomes, "c.sync_id <> 4");
    assert_eq!(stamped.removed["sites"], [1]);
    assert!(stamped.changed.contains("sites"));
    assert_eq!(ask(&mut conn, "sync_id"), ["2", "3", "4"]);
}
