//! What a program writes by way of `Db::write`.

use diesel::{Connection as _, QueryResult, RunQueryDsl, result::Error, sql_query};
use xos_sync_core::db::AnyConnection;

use crate::world::World;

fn insert(conn: &mut AnyConnection, name: &str) -> QueryResult<usize> {
    sql_query(format!("INSERT INTO farms (name) VALUES ('{name}')")).execute(conn)
}

#[tokio::test]
async fn a_transaction_inside_a_write_is_a_part_of_it() {
    let world = World::new().await;
    // One that is rolled back takes only its own part back.
    world
        .run(|conn| {
            insert(conn, "before")?;
            let inner = conn.transaction(|conn| {
                insert(conn, "taken back")?;
                Err::<(), _>(Error::RollbackTransaction)
            });
            assert_eq!(inner, Err(Error::RollbackTransaction));
            insert(conn, "after")
        })
        .await;
    assert_eq!(world.ask("name", "FROM farms ORDER BY id").await, ["before", "after"]);
    // One that succeeds is undone with the write that it is a part of.
    let failed = world.db.write(|conn| {
        conn.transaction(|conn| insert(conn, "inner"))?;
        sql_query("SELECT no_such_column FROM farms").execute(conn)
    });
    assert!(failed.await.unwrap_err().to_string().contains("no_such_column"));
    assert_eq!(world.ask("count(*)", "FROM farms").await, ["2"]);
    // And the next write does not notice.
    world.farm("next").await;
    assert_eq!(world.ask("count(*)", "FROM farms").await, ["3"]);
}

#[tokio::test]
async fn a_write_that_fails_takes_no_other_of_its_group_along() {
    let world = World::new().await;
    world.farm("taken").await;
    let names: Vec<_> = (0..20).map(|at| format!("farm{at}")).collect();
    let writes = names.iter().enumerate().map(|(at, name)| {
        let (db, name) = (world.db.clone(), if at % 4 == 0 { "taken" } else { name }.to_owned());
        tokio::spawn(async move {
            db.write(move |conn| conn.transaction(|conn| insert(conn, &name))).await.is_ok()
        })
    });
    let mut written = 0;
    for write in writes.collect::<Vec<_>>() {
        written += usize::from(write.await.unwrap());
    }
    assert_eq!(written, 15);
    assert_eq!(world.ask("count(*)", "FROM farms").await, ["16"]);
}
