//! What a row's bookkeeping says of its last call.

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    sql_types::Text,
};
use serde::Serialize;

/// The kind of outcome that keeps a row from being enacted: the column `backend_class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, FromSqlRow)]
#[serde(rename_all = "lowercase")]
#[diesel(sql_type = Text)]
#[non_exhaustive]
pub enum BackendClass {
    /// No error: the step is called again after the time that it named.
    Waiting,
    /// A failure that may heal: the step is called again with a growing wait.
    Transient,
    /// A failure with a wait that the backend named.
    Throttled,
    /// A failure that stays until the goal changes or somebody asks for a retry.
    Terminal,
}

impl BackendClass {
    const ALL: [Self; 4] = [Self::Waiting, Self::Transient, Self::Throttled, Self::Terminal];

    /// The word that the column holds.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Terminal => "terminal",
        }
    }
}

impl<DB> FromSql<Text, DB> for BackendClass
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let word = String::from_sql(bytes)?;
        let class = Self::ALL.into_iter().find(|class| class.as_str() == word);
        class.ok_or_else(|| format!("`{word}` is no backend_class").into())
    }
}
