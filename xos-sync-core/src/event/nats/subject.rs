//! PURE: the subject of a change: one for each row, so that the last change of a row replaces
//! those before it.

use crate::event::Change;

/// Stands for many rows; no encoded identity looks like it.
const MANY: &str = "=all";

/// Every change of a stream: `xos-sync.STREAM.MODEL.UID`.
pub(super) fn all(stream: &str) -> String {
    format!("xos-sync.{stream}.*.*")
}

/// This change.
pub(super) fn of(stream: &str, change: &Change) -> String {
    let uid = change.uid.as_deref().map_or(MANY.into(), token);
    format!("xos-sync.{stream}.{}.{uid}", token(&change.model))
}

/// One part of a subject: letters, digits, `-` and `_`, and `=XX` for every other byte.
/// Different texts stay different.
fn token(text: &str) -> String {
    if text.is_empty() {
        return "=".into();
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => out.push(char::from(byte)),
            _ => out.push_str(&format!("={byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Micros;

    #[test]
    fn a_row_has_a_subject_of_its_own() {
        for (change, subject) in [
            (Change::of_row("farms", "a1-B_2", Micros(7)), "xos-sync.s.farms.a1-B_2"),
            (Change::of_model("farms"), "xos-sync.s.farms.=all"),
            (Change::of_row("a.>", "* \r\n", Micros(7)), "xos-sync.s.a=2E=3E.=2A=20=0D=0A"),
            (Change::of_row("", "", Micros(7)), "xos-sync.s.=.="),
            (Change::of_row("ä", "=all", Micros(7)), "xos-sync.s.=C3=A4.=3Dall"),
        ] {
            assert_eq!(of("s", &change), subject);
        }
    }
}
