//! PURE: keeps secrets out of text that others wrote, and makes one line of it.

use std::{cmp::Reverse, fmt};

/// How much of an answer that was not understood is shown, in characters.
const EXCERPT: usize = 200;

/// What must not be repeated: a proxy, or a server that is not the backend, may answer with what it was
/// sent.
///
/// ```
/// # use xos_sync_core::http::Secrets;
/// let secrets = Secrets::new(["hush".to_owned()]);
/// assert_eq!(secrets.excerpt("no\nsuch user: {\"token\": \"hush\"}"), "no such user: {\"token\": \"***\"}");
/// ```
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// These texts, also as they stand in JSON.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        let quoted: Vec<_> = secrets.iter().map(|secret| in_json(secret)).collect();
        secrets.extend(quoted);
        // A secret that contains another one goes first.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        secrets.dedup();
        Self(secrets)
    }

    /// The text with `***` instead of each secret.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// The beginning of a text, in one line, without secrets.
    #[must_use]
    pub fn excerpt(&self, text: &str) -> String {
        let mut line = one_line(&self.hide(text));
        if let Some((end, _)) = line.char_indices().nth(EXCERPT) {
            line.truncate(end);
            line.push('…');
        }
        line
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// A text in one line, without control characters.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.retain(|character| !character.is_control());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_before_the_text_is_cut() {
        let secrets = Secrets::new(["hush".to_owned(), "hush-hush".to_owned(), String::new()]);
        assert_eq!(secrets.hide("a hush-hush b hush"), "a *** b ***");
        let text = format!("{}hush-hush", "x".repeat(EXCERPT - 4));
        assert!(!secrets.excerpt(&text).contains("hush"));
    }

    #[test]
    fn secrets_are_hidden_as_they_stand_in_json() {
        let secrets = Secrets::new(["a\"b\"".to_owned()]);
        assert_eq!(secrets.hide(r#"{"password":"a\"b\""}"#), r#"{"password":"***"}"#);
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        let secrets = Secrets::default();
        assert_eq!(secrets.excerpt("<a>\n  \u{1b}[31mb\r\n</a>"), "<a> [31mb </a>");
        assert_eq!(secrets.excerpt(&"ä".repeat(1000)).chars().count(), EXCERPT + 1);
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secrets::new(["hush".to_owned()])), "***");
    }
}
