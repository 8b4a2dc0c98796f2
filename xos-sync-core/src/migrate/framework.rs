//! The framework's own tables: what was applied, when each step last came round, which rows
//! are in hand for the first time (the write-ahead log behind contract C4), who is at work,
//! when backends may be called next, and on a server which of several processes has which rows.

use super::ddl::NOTIFY;
use crate::db::Engine;

/// The statements that make them, where they are not there yet.
pub(super) fn tables(engine: Engine) -> String {
    let (id, server) = match engine {
        Engine::Sqlite => ("INTEGER PRIMARY KEY AUTOINCREMENT", String::new()),
        Engine::Postgres => {
            ("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", format!("{SHARED}{NOTIFY}"))
        }
    };
    format!(
        "
CREATE TABLE IF NOT EXISTS xos_sync_migrations (
    crate_name TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (crate_name, name)
);
CREATE TABLE IF NOT EXISTS xos_sync_crates (
    crate_name TEXT PRIMARY KEY, version TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS xos_sync_declared (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, table_name TEXT NOT NULL, model TEXT NOT NULL, crate_name TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS xos_sync_steps (
    synchronizer TEXT NOT NULL, step TEXT NOT NULL, model TEXT NOT NULL, provides TEXT NOT NULL, only_rows TEXT,
    unserved_since BIGINT, last_run BIGINT, attempts INTEGER NOT NULL DEFAULT 0, retry_at BIGINT, backend_status TEXT,
    PRIMARY KEY (synchronizer, step, model)
);
CREATE TABLE IF NOT EXISTS xos_sync_members (
    member TEXT PRIMARY KEY, synchronizer TEXT NOT NULL, place TEXT NOT NULL, lease_until BIGINT NOT NULL,
    shown TEXT NOT NULL DEFAULT '', steps TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS xos_sync_unexpanded (
    id {id}, model TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS xos_sync_former (
    parent TEXT NOT NULL, parent_id BIGINT NOT NULL, child TEXT NOT NULL, child_id BIGINT NOT NULL,
    version BIGINT NOT NULL, PRIMARY KEY (parent, parent_id, child, child_id)
);
CREATE TABLE IF NOT EXISTS xos_sync_budgets (
    name TEXT PRIMARY KEY, free_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS xos_sync_journal (
    id {id}, synchronizer TEXT NOT NULL, member TEXT NOT NULL, model TEXT NOT NULL, ids TEXT NOT NULL
);{server}"
    )
}

/// Whose rows are whose.
const SHARED: &str = "
CREATE TABLE IF NOT EXISTS xos_sync_shards (
    synchronizer TEXT NOT NULL, step TEXT NOT NULL, shard INTEGER NOT NULL, member TEXT,
    PRIMARY KEY (synchronizer, step, shard)
);";
