//! One column's value, without its Rust type.

use super::{Id, Micros, Secret};

/// A value as a column holds it.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A whole number, a key or a time.
    Integer(i64),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Bool(bool),
    /// A text, a choice or a secret.
    Text(String),
}

impl Value {
    /// The value in JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Integer(number) => (*number).into(),
            Self::Double(number) => (*number).into(),
            Self::Bool(truth) => (*truth).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

impl std::fmt::Debug for Value {
    /// Never shows the value: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Null) { "Null" } else { "***" })
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Secret> for Value {
    fn from(secret: Secret) -> Self {
        Self::Text(secret.reveal().to_owned())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Micros> for Value {
    fn from(time: Micros) -> Self {
        Self::Integer(time.0)
    }
}

impl<M> From<Id<M>> for Value {
    fn from(id: Id<M>) -> Self {
        Self::Integer(id.raw())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
