//! Transactions, and what became of them when their server went away.

use std::time::Duration;

use diesel::{
    Connection, QueryResult, QueryableByName, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager as _},
    sql_query,
    sql_types::{Nullable, Text},
};

use super::{AnyConnection, Engine};

/// How long a server that went away is waited for before its queries fail.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How a transaction ended.
#[derive(Debug)]
pub(super) enum Commit {
    /// It is on disk.
    Done,
    /// Nothing of it is.
    Failed(diesel::result::Error),
    /// The server went away before it answered.
    Unknown(TransactionId, diesel::result::Error),
}

/// What the server calls a transaction.
#[derive(Debug)]
pub(super) struct TransactionId(Option<String>);

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Nullable<Text>)]
    answer: Option<String>,
}

/// Runs the work in a transaction of its own.
pub(super) fn in_transaction(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> QueryResult<()>,
) -> Commit {
    let worked = begin(conn).and_then(|()| work(conn)).and_then(|()| id(conn));
    let id = match worked {
        Ok(id) => id,
        Err(error) => {
            // Fails when the engine has rolled back by itself already.
            let _ = Manager::rollback_transaction(conn);
            return Commit::Failed(error);
        }
    };
    match Manager::commit_transaction(conn) {
        Ok(()) => Commit::Done,
        Err(error) if conn.engine() == Engine::Postgres && !is_alive(conn) => {
            Commit::Unknown(id, error)
        }
        Err(error) => {
            let _ = Manager::rollback_transaction(conn);
            Commit::Failed(error)
        }
    }
}

type Manager = <AnyConnection as Connection>::TransactionManager;

/// By way of diesel, so that a transaction of an author's inside is a savepoint.
fn begin(conn: &mut AnyConnection) -> QueryResult<()> {
    match conn {
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN")
        }
    }
}

/// None was given to a transaction that has written nothing.
fn id(conn: &mut AnyConnection) -> QueryResult<TransactionId> {
    if conn.engine() == Engine::Sqlite {
        return Ok(TransactionId(None));
    }
    let answer = sql_query("SELECT pg_current_xact_id_if_assigned()::text AS answer")
        .get_result::<Answer>(conn)?;
    Ok(TransactionId(answer.answer))
}

/// Whether a transaction whose answer was lost has committed, asked on a new connection; `None`
/// while it is still under way.
pub(super) fn has_committed(
    conn: &mut AnyConnection,
    id: &TransactionId,
) -> QueryResult<Option<bool>> {
    let Some(id) = &id.0 else { return Ok(Some(false)) };
    let status = sql_query("SELECT pg_xact_status($1::xid8) AS answer")
        .bind::<Text, _>(id)
        .get_result::<Answer>(conn)?;
    Ok(match status.answer.as_deref() {
        Some("committed") => Some(true),
        Some("in progress") => None,
        _ => Some(false),
    })
}

/// Whether the connection can still be used. It has no transaction open after this.
pub(super) fn is_alive(conn: &mut AnyConnection) -> bool {
    !Manager::is_broken_transaction_manager(conn) && conn.batch_execute("ROLLBACK").is_ok()
}
