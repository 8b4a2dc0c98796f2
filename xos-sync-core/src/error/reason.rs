//! Why a row is not in line, for programs.

use std::{borrow::Cow, fmt};

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    sql_types::Text,
};
use serde::{Serialize, Serializer};

/// A machine-readable reason beside the message for people: the column `backend_reason`. Programs
/// and steps decide by the reason, never by the message. The idea and the form (one word in
/// CamelCase) are those of the conditions of Kubernetes objects.
///
/// Authors add reasons of their own with [`Reason::new`]:
/// ```
/// use xos_sync_core::Reason;
///
/// const CERTIFICATE_PENDING: Reason = Reason::new("CertificatePending");
/// assert_eq!(CERTIFICATE_PENDING.as_str(), "CertificatePending");
/// assert_ne!(CERTIFICATE_PENDING, Reason::WAITING);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Reason(Cow<'static, str>);

macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident = $code:literal),+ $(,)?) => {
        /// The framework's own reasons.
        impl Reason {
            $($(#[$doc])+ pub const $name: Self = Self::new($code);)+
        }
    };
}

reasons! {
    /// The backend, or the way to it, failed. What `?` makes of any error.
    BACKEND_ERROR = "BackendError",
    /// The backend asked for fewer calls, or for a wait.
    THROTTLED = "Throttled",
    /// The call took longer than its step allows.
    TIMED_OUT = "TimedOut",
    /// The step panicked.
    PANICKED = "Panicked",
    /// The goal cannot be applied as it is: a person must change it.
    INVALID_GOAL = "InvalidGoal",
    /// The backend lacks a thing.
    NOT_FOUND = "NotFound",
    /// Another thing has the name, or is in the state that this one needs.
    CONFLICT = "Conflict",
    /// A quota of the backend is used up.
    QUOTA_EXCEEDED = "QuotaExceeded",
    /// The backend refuses the credentials, or what they may do.
    ACCESS_DENIED = "AccessDenied",
    /// The image does not exist at the backend.
    IMAGE_NOT_FOUND = "ImageNotFound",
    /// The step waits for something.
    WAITING = "Waiting",
    /// A thing is being made or started.
    WAITING_FOR_CREATION = "WaitingForCreation",
    /// A thing has no address yet.
    WAITING_FOR_ADDRESS = "WaitingForAddress",
    /// A thing is being changed.
    WAITING_FOR_CHANGE = "WaitingForChange",
    /// A thing is being removed.
    WAITING_FOR_DELETION = "WaitingForDeletion",
    /// Another row has to be enacted first.
    BLOCKED_BY_PARENT = "BlockedByParent",
    /// The row holds a value that the program cannot decode.
    UNDECODABLE = "Undecodable",
    /// The database refuses what the step wrote.
    NOT_SAVED = "NotSaved",
}

/// The length of a reason at the most, in bytes.
const LONGEST: usize = 64;

impl Reason {
    /// A reason of one's own. Use it for constants: then the compiler checks the word.
    ///
    /// # Panics
    /// Where the word is empty, has more than 64 bytes, or does not consist of ASCII letters and
    /// digits with a capital letter first.
    #[must_use]
    pub const fn new(code: &'static str) -> Self {
        let bytes = code.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= LONGEST, "a reason has 1 to 64 letters");
        assert!(bytes[0].is_ascii_uppercase(), "a reason begins with a capital letter");
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at].is_ascii_alphanumeric(),
                "a reason has ASCII letters and digits only"
            );
            at += 1;
        }
        Self(Cow::Borrowed(code))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says no more than the class does.
    pub(crate) fn is_general(&self) -> bool {
        let general = [
            Self::BACKEND_ERROR,
            Self::THROTTLED,
            Self::INVALID_GOAL,
            Self::NOT_FOUND,
            Self::WAITING,
        ];
        general.contains(self)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<DB> FromSql<Text, DB> for Reason
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        String::from_sql(bytes).map(|word| Self(Cow::Owned(word)))
    }
}
