//! How a connection to a PostgreSQL server is set up.

use super::{AnyConnection, error_class::Messages};

/// Opens a connection; the reason and advice where that is not possible.
#[cfg(feature = "postgres")]
pub(super) fn connect(url: &str) -> Result<AnyConnection, String> {
    establish(url).map(AnyConnection::Postgres)
}

#[cfg(not(feature = "postgres"))]
pub(super) fn connect(_: &str) -> Result<AnyConnection, String> {
    Err("PostgreSQL is not built in: turn on the feature `postgres` of xos-sync-core".into())
}

/// The same for the first connection, after a look whether connections have sessions of their own.
#[cfg(feature = "postgres")]
pub(super) fn connect_first(url: &str) -> Result<AnyConnection, String> {
    let (mut first, mut second) = (open(url)?, open(url)?);
    // Nothing may be set on sessions that others use too.
    match share_a_session(&mut first, &mut second) {
        Ok(false) => set_up(&mut first).map(|()| AnyConnection::Postgres(first)),
        Ok(true) => Err(SHARED.into()),
        Err(error) => Err(format!("{}; {SHARED}", one_line(&error.to_string()))),
    }
}

#[cfg(not(feature = "postgres"))]
pub(super) fn connect_first(url: &str) -> Result<AnyConnection, String> {
    connect(url)
}

/// Why a pooler in transaction mode is refused.
#[cfg(feature = "postgres")]
const SHARED: &str = "its connections share their sessions, as behind a pooler in transaction mode: LISTEN hears \
    nothing there, and settings and prepared statements reach others; let the pooler use session mode \
    (PgBouncer: pool_mode = session), or write the URL of the server itself";

/// Whether a pooler gives one session of the server to both. It gives a session that is idle to whoever
/// begins a transaction, and the first connection gets another one after that.
#[cfg(feature = "postgres")]
fn share_a_session(
    first: &mut diesel::PgConnection,
    second: &mut diesel::PgConnection,
) -> diesel::QueryResult<bool> {
    use diesel::{
        QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Integer,
    };

    #[derive(QueryableByName)]
    struct Session {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }

    let pid = |connection: &mut diesel::PgConnection| {
        let session = sql_query("SELECT pg_backend_pid() AS pid").get_result::<Session>(connection);
        session.map(|session| session.pid)
    };
    let before = pid(first)?;
    second.batch_execute("BEGIN")?;
    let other = pid(second)?;
    let after = pid(first)?;
    second.batch_execute("ROLLBACK")?;
    Ok(other == before || after != before)
}

/// A connection of diesel's own.
#[cfg(feature = "postgres")]
pub(crate) fn establish(url: &str) -> Result<diesel::PgConnection, String> {
    let mut connection = open(url)?;
    set_up(&mut connection)?;
    Ok(connection)
}

#[cfg(feature = "postgres")]
fn open(url: &str) -> Result<diesel::PgConnection, String> {
    use diesel::{Connection, PgConnection};

    PgConnection::establish(&with_defaults(url))
        .map_err(|error| explain(&crate::error::redact(error.to_string())))
}

#[cfg(feature = "postgres")]
fn set_up(connection: &mut diesel::PgConnection) -> Result<(), String> {
    use diesel::connection::SimpleConnection;

    connection.batch_execute(SETUP).map_err(|error| error.to_string())?;
    // A role may have no right to it.
    let _ = connection.batch_execute(UNTRANSLATED);
    Ok(())
}

/// In which language the session answers.
#[cfg(feature = "postgres")]
pub(super) fn messages(connection: &mut AnyConnection) -> diesel::QueryResult<Messages> {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

    #[derive(QueryableByName)]
    struct Locale {
        #[diesel(sql_type = Text)]
        lc_messages: String,
    }

    let locale: Locale =
        sql_query("SELECT current_setting('lc_messages') AS lc_messages").get_result(connection)?;
    Ok(Messages::of_locale(&locale.lc_messages))
}

#[cfg(not(feature = "postgres"))]
pub(super) fn messages(connection: &mut AnyConnection) -> diesel::QueryResult<Messages> {
    Ok(Messages::of(connection.engine()))
}

/// Set on every connection. Nobody's lock is waited for without end, because one connection
/// writes for all. A transaction sees what others have committed, whatever the server's default is. What a process holds that fell silent in the middle of a transaction is soon
/// free for those that take over from it, unless somebody has set another time.
#[cfg(feature = "postgres")]
const SETUP: &str = "SET lock_timeout = '5s'; SET client_min_messages = warning; \
    SET default_transaction_isolation = 'read committed'; SELECT set_config('idle_in_transaction_session_timeout', '10s', FALSE) \
    WHERE current_setting('idle_in_transaction_session_timeout') = '0';";

/// Untranslated messages, where the server's are in another language ([`Messages`] says why).
#[cfg(feature = "postgres")]
const UNTRANSLATED: &str = "SELECT set_config('lc_messages', 'C', FALSE) \
    WHERE current_setting('lc_messages') <> 'C'";

/// What a connection asks for unless the URL says otherwise: it notices within half a minute
/// that the server is out of reach, and shows who it is.
#[cfg(any(feature = "postgres", test))]
const DEFAULTS: [(&str, &str); 6] = [
    ("application_name", "xos-sync"),
    ("connect_timeout", "10"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

#[cfg(any(feature = "postgres", test))]
fn with_defaults(url: &str) -> String {
    let mut out = url.to_owned();
    let mut separator = if url.contains('?') { '&' } else { '?' };
    for (name, value) in DEFAULTS {
        if !url.contains(&format!("{name}=")) {
            out.push(separator);
            out.push_str(&format!("{name}={value}"));
            separator = '&';
        }
    }
    out
}

#[cfg(feature = "postgres")]
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Adds advice to what libpq says when a server cannot be used.
#[cfg(feature = "postgres")]
fn explain(message: &str) -> String {
    let message = one_line(message);
    let advice = if message.contains("certificate verify failed") {
        "; correct sslrootcert, or let the server have a certificate of that root"
    } else if message.contains("does not match host name") {
        "; correct the host, or let the server have a certificate for it"
    } else if message.contains("Connection refused") || message.contains("No such file") {
        "; start the server, or correct host and port"
    } else if message.contains("does not exist") && message.contains("database") {
        "; make it with `createdb`, or correct the name"
    } else if message.contains("password") || message.contains("authentication") {
        "; correct user or password (PGPASSWORD and ~/.pgpass are read too)"
    } else {
        ""
    };
    format!("{message}{advice}")
}

#[cfg(test)]
mod tests {
    use super::with_defaults;

    #[test]
    fn what_the_url_says_stands() {
        let url = with_defaults("postgres://h/d?connect_timeout=3&tcp_user_timeout=1");
        assert_eq!(
            url,
            "postgres://h/d?connect_timeout=3&tcp_user_timeout=1&application_name=xos-sync\
             &keepalives_idle=10&keepalives_interval=5&keepalives_count=3"
        );
        assert!(with_defaults("postgres://h/d").starts_with("postgres://h/d?application_name="));
    }
}
