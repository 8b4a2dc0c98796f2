//! The loop that one would write without the framework: fetch pending rows in batches, do
//! nothing with each, stamp the batch; one model after the other. Nothing is retried, ordered
//! by object, journaled, bounded or reported.

use std::fmt::Write as _;

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use xos_sync_core::{
    Model, Row,
    db::{Db, Engine},
};

use super::tables::{Bottom, Middle, Shape, Top};

const BATCH: i64 = 1_000;

pub async fn run(db: &Db, shape: Shape) -> usize {
    db.run(move |conn| {
        let mut done = 0;
        if shape == Shape::Levels {
            done += model::<Top>(conn)?;
            done += model::<Middle>(conn)?;
        }
        Ok(done + model::<Bottom>(conn)?)
    })
    .await
    .unwrap()
}

fn model<M: Model>(conn: &mut xos_sync_core::db::AnyConnection) -> diesel::QueryResult<usize> {
    let (table, engine) = (M::INFO.table, conn.engine());
    let (index, begin) = match engine {
        Engine::Sqlite => (format!(" INDEXED BY {table}_due"), "BEGIN IMMEDIATE"),
        Engine::Postgres => (String::new(), "BEGIN"),
    };
    let pending = format!(
        "s.sync_id IN (SELECT sync_id FROM {table}_sync{index} WHERE NOT deleted AND NOT no_sync AND NOT lazy_blocked \
         AND (enacted IS NULL OR enacted < updated) AND retry_at IS NULL ORDER BY sync_id LIMIT {BATCH})"
    );
    let mut done = 0;
    loop {
        let rows = Row::<M>::load(conn, &pending, BATCH)?;
        if rows.is_empty() {
            return Ok(done);
        }
        let mut values = String::new();
        for row in &rows {
            std::hint::black_box(row);
            let comma = if values.is_empty() { "" } else { "," };
            let _ = write!(
                values,
                "{comma}({},{})",
                row.bookkeeping().sync_id,
                row.bookkeeping().updated.0
            );
        }
        conn.batch_execute(begin)?;
        sql_query(format!(
            "UPDATE {table}_sync AS s SET enacted = v.column2 FROM (VALUES {values}) AS v \
             WHERE s.sync_id = v.column1 AND (s.enacted IS NULL OR s.enacted < v.column2)"
        ))
        .execute(conn)?;
        conn.batch_execute("COMMIT")?;
        done += rows.len();
    }
}
