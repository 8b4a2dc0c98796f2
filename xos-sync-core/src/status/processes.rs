//! The processes that are at work, and what they say of themselves.

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use serde::Serialize;

use crate::{
    db::{AnyConnection, Engine, Trouble},
    event::FeedStatus,
    pass::LimitStatus,
    sql,
    synchronizer::Said,
};

/// A process that runs a Synchronizer on a server, or on a file with feeds of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessStatus {
    /// The Synchronizer.
    pub synchronizer: String,
    /// The process's name among those that share the work.
    pub member: String,
    /// How many of the 64 shards of the rows it holds.
    pub shards: i64,
    /// Until when it may be silent, in microseconds since 1970.
    pub lease_until: i64,
    /// Where it hears of changes, besides the database's file.
    pub feeds: Vec<FeedStatus>,
    /// What keeps rows from their calls that are ready.
    pub limits: Vec<LimitStatus>,
    /// What it cannot do with the database.
    pub troubles: Vec<Trouble>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    synchronizer: String,
    #[diesel(sql_type = Text)]
    member: String,
    #[diesel(sql_type = BigInt)]
    shards: i64,
    #[diesel(sql_type = BigInt)]
    lease_until: i64,
    #[diesel(sql_type = Text)]
    shown: String,
}

/// Reads the processes whose lease holds.
pub(super) fn read(conn: &mut AnyConnection) -> QueryResult<Vec<ProcessStatus>> {
    let engine = conn.engine();
    let shards = match engine {
        Engine::Sqlite => "CAST(64 AS BIGINT)",
        Engine::Postgres => {
            "(SELECT count(*) FROM xos_sync_shards AS s WHERE s.synchronizer = m.synchronizer AND s.step = '-' AND s.member = m.member)"
        }
    };
    let rows: Vec<Row> = sql_query(format!(
        "SELECT synchronizer, member, {shards} AS shards, lease_until, shown FROM xos_sync_members AS m \
         WHERE lease_until >= {} ORDER BY synchronizer, member",
        sql::now(engine)
    ))
    .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let Said { feeds, limits, troubles } =
                serde_json::from_str(&row.shown).unwrap_or_default();
            ProcessStatus {
                synchronizer: row.synchronizer,
                member: row.member,
                shards: row.shards,
                lease_until: row.lease_until,
                feeds,
                limits,
                troubles,
            }
        })
        .collect())
}
