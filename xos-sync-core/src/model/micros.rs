//! A point in time as the database keeps it.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    serialize::{self, Output, ToSql},
    sql_types::BigInt,
};

/// Microseconds since 1970-01-01T00:00:00Z, as `BIGINT`: compared exactly on every engine,
/// whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
pub struct Micros(
    /// The count.
    pub i64,
);

impl Micros {
    /// Later than anything: the retry time of an object that waits for a changed goal.
    pub const NEVER: Self = Self(i64::MAX);

    /// This moment by the wall clock.
    pub fn now() -> Self {
        Self(Utc::now().timestamp_micros())
    }

    /// The same moment as chrono sees it; `None` when it lies outside chrono's range.
    pub fn to_datetime(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// This much later, at most [`Micros::NEVER`].
    pub fn after(self, wait: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long it is from `earlier` to here; zero when it is not later.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        let micros = u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0);
        std::time::Duration::from_micros(micros)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_datetime() {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%d %H:%M:%S UTC")),
            None => f.write_str("never"),
        }
    }
}

impl<DB> ToSql<BigInt, DB> for Micros
where
    DB: Backend,
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<BigInt, DB> for Micros
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(bytes).map(Self)
    }
}
