//! Writers of all kinds: the program `sqlite3` or `psql` stands for any of them.

use crate::world::World;

#[tokio::test]
async fn rows_written_by_another_program_go_all_the_way() {
    let world = World::new().await;
    world.shell(
        "INSERT INTO farms (name) VALUES ('a'), ('b'); \
         INSERT INTO fields (name, farm_id) SELECT 'field of ' || name, id FROM farms",
    );
    world.pass().await;
    assert_eq!(
        world.backend.sorted_log(),
        ["sync a", "sync b", "sync field of a", "sync field of b"]
    );
    world.shell("UPDATE farms SET name = 'c' WHERE name = 'b'");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync c"]);
    world.shell("DELETE FROM fields; DELETE FROM farms WHERE name = 'a'");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete a", "delete field of a", "delete field of b"]);
    assert_eq!(world.backend.names(), ["c"]);
    assert_eq!(world.shell("SELECT name FROM farms"), "c");
}

#[tokio::test]
async fn an_orm_that_saves_whole_stale_rows_loses_nothing() {
    let world = World::new().await;
    world.farm("farm").await;
    let stale =
        "uid, created, enacted, attempts, retry_at, backend_id, backend_status, backend_class";
    world.pass().await;
    let before = world.ask("enacted || backend_id || created || uid", "FROM farms").await;
    // It read the row before the first pass, and saves all columns but the key.
    world.shell(&format!(
        "UPDATE farms SET name = 'barn', ({stale}, updated, deleted, no_sync, lazy_blocked) = \
         (SELECT uid, 17, CAST(NULL AS BIGINT), 5, 99, NULL, 'an old error', 'transient', 18, FALSE, FALSE, FALSE FROM farms)"
    ));
    assert_eq!(world.ask("enacted || backend_id || created || uid", "FROM farms").await, before);
    let state = "CASE WHEN enacted < updated THEN 1 ELSE 0 END || '' || attempts || coalesce(CAST(retry_at AS TEXT), '-') || coalesce(backend_status, '-')";
    assert_eq!(world.ask(state, "FROM farms").await, ["10--"]);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn"]);
    // The same again without a change of the goal: nothing happens.
    let before = world.ask("updated || '' || enacted || backend_id", "FROM farms").await;
    world.shell(&format!(
        "UPDATE farms SET name = 'barn', ({stale}, updated, deleted) = \
         (SELECT uid, 17, CAST(NULL AS BIGINT), 5, 99, NULL, 'an old error', 'transient', 18, FALSE FROM farms)"
    ));
    assert_eq!(world.ask("updated || '' || enacted || backend_id", "FROM farms").await, before);
    assert_eq!(world.ask("coalesce(backend_status, '-')", "FROM farms").await, ["-"]);
    world.pass().await;
    assert_eq!(world.backend.log(), [""; 0]);
}

#[tokio::test]
async fn a_failed_row_that_is_saved_whole_keeps_its_error_and_its_wait() {
    let world = World::new().await;
    world.farm("farm").await;
    world.backend.answer("farm", crate::world::Answer::Fail("no power"));
    world.pass().await;
    let state = "backend_status || backend_class || attempts || retry_at";
    let before = world.ask(state, "FROM farms").await;
    world.shell(
        "UPDATE farms SET name = name, backend_status = NULL, backend_class = NULL, attempts = 0, retry_at = NULL",
    );
    assert_eq!(world.ask(state, "FROM farms").await, before);
}

#[tokio::test]
async fn a_new_row_starts_as_new_whatever_its_writer_says() {
    let world = World::new().await;
    world.shell(
        "INSERT INTO farms (name, enacted, updated, attempts, retry_at, backend_status, backend_class, purgeable) \
         VALUES ('farm', 9223372036854775807, 9223372036854775806, 9, 9223372036854775807, 'done', 'terminal', TRUE)",
    );
    let state = "coalesce(CAST(enacted AS TEXT), '-') || attempts || coalesce(CAST(retry_at AS TEXT), '-') || coalesce(backend_status, '-') \
                 || coalesce(backend_class, '-') || CASE WHEN purgeable THEN 1 ELSE 0 END || CASE WHEN updated < 4102444800000000 THEN 1 ELSE 0 END";
    assert_eq!(world.ask(state, "FROM farms").await, ["-0---01"]);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    world.shell("DELETE FROM farms");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete farm"]);
}

#[tokio::test]
async fn an_upsert_is_a_change_like_any_other() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let uid = world.ask("uid", "FROM farms").await;
    world.shell(
        "INSERT INTO farms (name) VALUES ('farm') \
         ON CONFLICT (name) WHERE NOT deleted DO UPDATE SET name = 'barn'",
    );
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn"]);
    assert_eq!(world.ask("uid", "FROM farms").await, uid);
}

#[tokio::test]
async fn what_is_rolled_back_never_was() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    world.shell(
        "BEGIN; UPDATE farms SET name = 'x'; INSERT INTO farms (name) VALUES ('y'); ROLLBACK",
    );
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
}

#[tokio::test]
async fn many_rows_changed_in_one_statement_are_all_pending() {
    let world = World::new().await;
    world.shell(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) \
         INSERT INTO farms (name) SELECT 'f' || i FROM n",
    );
    assert_eq!(world.pass().await.enacted, 1500);
    world.shell("UPDATE farms SET name = 'g' || id");
    assert_eq!(world.pass().await.enacted, 1500);
    world.shell("DELETE FROM farms");
    assert_eq!(world.pass().await.deleted, 1500);
    assert!(world.shown().await.starts_with("model\n(no rows)\n"));
}
