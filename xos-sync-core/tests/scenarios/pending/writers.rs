//! Writers of all kinds: the program `sqlite3` or `psql` stands for any of them.

use xos_sync_core::db::Engine;

use crate::{ENGINE, world::World};

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

/// The columns of a table, by name.
async fn columns(world: &World, table: &str) -> Vec<String> {
    match ENGINE {
        Engine::Sqlite => {
            world.ask("name", &format!("FROM pragma_table_info('{table}') ORDER BY 1")).await
        }
        Engine::Postgres => {
            let of = format!(
                "FROM information_schema.columns WHERE table_schema = current_schema() \
                 AND table_name = '{table}' ORDER BY 1"
            );
            world.ask("column_name", &of).await
        }
    }
}

#[tokio::test]
async fn a_table_has_the_columns_of_its_author_and_no_others() {
    let world = World::new().await;
    assert_eq!(columns(&world, "farms").await, ["backend_id", "id", "name"]);
    assert_eq!(columns(&world, "fields").await, ["backend_id", "farm_id", "id", "name"]);
}

#[tokio::test]
async fn an_orm_that_saves_whole_stale_rows_loses_nothing() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let kept = "enacted || ' ' || created || uid";
    let before = world.ask(kept, "FROM farms_sync").await;
    // It read the row before the first pass, and saves all columns.
    world.shell("UPDATE farms SET id = 1, name = 'barn', backend_id = NULL WHERE id = 1");
    assert_eq!(world.ask(kept, "FROM farms_sync").await, before);
    let state = "CASE WHEN enacted < updated THEN 1 ELSE 0 END || '' || attempts || coalesce(CAST(retry_at AS TEXT), '-') || coalesce(backend_status, '-')";
    assert_eq!(world.ask(state, "FROM farms_sync").await, ["10--"]);
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm", "sync barn"]);
    assert_eq!(world.ask("backend_id", "FROM farms").await, ["b-barn"]);
    // The same again without a change of the goal: nothing happens.
    let before = world.ask("updated || '' || enacted", "FROM farms_sync").await;
    world.shell("UPDATE farms SET id = 1, name = 'barn', backend_id = 'b-barn' WHERE id = 1");
    assert_eq!(world.ask("updated || '' || enacted", "FROM farms_sync").await, before);
    assert_eq!(world.ask("coalesce(backend_status, '-')", "FROM farms_sync").await, ["-"]);
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
    let before = world.ask(state, "FROM farms_sync").await;
    world.shell("UPDATE farms SET id = 1, name = 'farm', backend_id = NULL");
    assert_eq!(world.ask(state, "FROM farms_sync").await, before);
}

#[tokio::test]
async fn rows_with_keys_of_their_own_start_as_new() {
    let world = World::new().await;
    world.shell(
        "INSERT INTO farms (id, name, backend_id) VALUES (40, 'fixture', NULL), (-3, 'odd', NULL)",
    );
    world.shell("INSERT INTO farms (name) VALUES ('farm')");
    let state = "coalesce(CAST(enacted AS TEXT), '-') || attempts || coalesce(CAST(retry_at AS TEXT), '-') || coalesce(backend_status, '-') \
                 || coalesce(backend_class, '-') || CASE WHEN updated < 4102444800000000 THEN 1 ELSE 0 END";
    assert_eq!(world.ask(state, "FROM farms_sync").await, ["-0---1"; 3]);
    assert_eq!(world.ask("sync_id", "FROM farms_sync ORDER BY 1").await, ["1", "2", "3"]);
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["sync farm", "sync fixture", "sync odd"]);
    world.shell("UPDATE farms SET name = 'even' WHERE id = -3; DELETE FROM farms WHERE id = 40");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete fixture", "sync even"]);
    assert_eq!(world.backend.names(), ["even", "farm"]);
}

#[tokio::test]
async fn an_upsert_is_a_change_like_any_other() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let uid = world.ask("uid", "FROM farms_sync").await;
    let upsert = "INSERT INTO farms (name) VALUES ('farm') ON CONFLICT (name)";
    world.shell(&format!("{upsert} DO NOTHING; {upsert} DO UPDATE SET name = excluded.name"));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    world.shell(&format!("{upsert} DO UPDATE SET name = 'barn'"));
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync barn"]);
    assert_eq!(world.ask("uid", "FROM farms_sync").await, uid);
}

#[tokio::test]
async fn statements_report_the_rows_that_they_touched() {
    let world = World::new().await;
    assert_eq!(world.sql("INSERT INTO farms (name) VALUES ('a'), ('b'), ('c')").await, 3);
    world.pass().await;
    world.backend.log();
    assert_eq!(world.sql("UPDATE farms SET name = 'd' WHERE name = 'a'").await, 1);
    assert_eq!(world.sql("DELETE FROM farms WHERE name = 'd'").await, 1);
    assert_eq!(world.sql("DELETE FROM farms WHERE name = 'd'").await, 0);
    // An ORM's optimistic lock: the row is gone, so that nothing is changed.
    assert_eq!(world.sql("UPDATE farms SET name = 'e' WHERE id = 1 AND name = 'd'").await, 0);
    assert_eq!(world.shell("DELETE FROM farms WHERE name = 'b' RETURNING id, name"), "2|b");
    assert_eq!(world.shell("INSERT INTO farms (name) VALUES ('f') RETURNING id, name"), "4|f");
    assert_eq!(world.shell("UPDATE farms SET name = 'g' WHERE id = 4 RETURNING name"), "g");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["delete b", "delete d", "sync g"]);
    assert_eq!(world.backend.names(), ["c", "g"]);
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
