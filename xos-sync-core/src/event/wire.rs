//! What is sent over a message bus: which row of which model changed, and to which version.

use serde::{Deserialize, Serialize};

use super::{Event, RowKey};
use crate::model::Micros;

/// A longer payload is none of ours.
const LONGEST: usize = 1024;
/// A longer identity is none of ours.
const LONGEST_UID: usize = 64;

/// A change of the data model, as a bus carries it: JSON such as
/// `{"model":"instances","uid":"9f…","updated":1700000000000000}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The model's table.
    pub model: String,
    /// The row's identity; `None` when many rows changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The version that the row came to, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<i64>,
}

impl Change {
    /// A change of one row.
    pub fn of_row(model: impl Into<String>, uid: impl Into<String>, updated: Micros) -> Self {
        Self { model: model.into(), uid: Some(uid.into()), updated: Some(updated.0) }
    }

    /// A change of many rows.
    pub fn of_model(model: impl Into<String>) -> Self {
        Self { model: model.into(), uid: None, updated: None }
    }

    /// The payload. Never longer than what [`Change::parse`] takes, for rows of ours.
    pub fn to_json(&self) -> String {
        // Three plain fields: writing them into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a payload; `None` for anything that is not one, whoever sent it.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        if payload.len() > LONGEST {
            return None;
        }
        let change: Self = serde_json::from_slice(payload).ok()?;
        let plain = |uid: &String| {
            (1..=LONGEST_UID).contains(&uid.len())
                && uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        change.uid.as_ref().is_none_or(plain).then_some(change)
    }

    pub(super) fn into_event(self) -> Event {
        match self.uid {
            Some(uid) => Event::RowChanged { table: self.model, row: RowKey::Uid(uid) },
            None => Event::ModelChanged { table: self.model },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for change in [Change::of_row("farms", "a1-B_2", Micros(7)), Change::of_model("farms")] {
            assert_eq!(Change::parse(change.to_json().as_bytes()), Some(change));
        }
        assert_eq!(Change::of_model("farms").to_json(), r#"{"model":"farms"}"#);
    }

    #[test]
    fn what_is_foreign_hostile_or_giant_is_none() {
        let giant = format!(r#"{{"model":"farms","more":"{}"}}"#, "x".repeat(2_000_000));
        for payload in [
            "",
            "no json",
            "[]",
            r#"{"uid":"x"}"#,
            r#"{"model":7}"#,
            r#"{"model":"farms","uid":"x' OR 1=1 --"}"#,
            r#"{"model":"farms","uid":""}"#,
            r#"{"model":"farms","updated":"yesterday"}"#,
            &giant,
        ] {
            assert_eq!(Change::parse(payload.as_bytes()), None, "{payload:.60}");
        }
        assert_eq!(Change::parse(&[0xff, 0xfe]), None);
        assert_eq!(Change::parse("[".repeat(1000).as_bytes()), None);
    }
}
