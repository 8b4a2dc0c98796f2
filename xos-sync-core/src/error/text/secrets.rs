//! PURE: secrets that are known, out of text that others wrote.

use std::{cmp::Reverse, fmt, fmt::Write as _};

use super::escape::{cut, one_line};

/// How much of an answer that was not understood is shown, in characters.
const EXCERPT: usize = 200;

/// Texts that must not be repeated: a proxy, or a server that is not the backend, may answer with
/// what it was sent.
///
/// ```
/// # use xos_sync_core::http::Secrets;
/// let secrets = Secrets::new(["hush".to_owned()]);
/// assert_eq!(secrets.excerpt("no\nsuch user: {\"token\": \"hush\"}"), "no such user: {\"token\": \"***\"}");
/// ```
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// These texts, also as they stand in JSON and in a URL.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        let forms = |secret: &String| [in_json(secret), in_url(secret)];
        let quoted: Vec<_> = secrets.iter().flat_map(forms).collect();
        secrets.extend(quoted);
        // A secret that contains another one goes first.
        secrets.sort_by(|a, b| (Reverse(a.len()), a).cmp(&(Reverse(b.len()), b)));
        secrets.dedup();
        Self(secrets)
    }

    /// The text with `***` instead of each secret.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.0.iter().filter(|secret| !"***".contains(secret.as_str())) {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "***");
            }
        }
        text
    }

    /// The beginning of a text, in one line, without secrets.
    #[must_use]
    pub fn excerpt(&self, text: &str) -> String {
        cut(one_line(&self.hide(text)), EXCERPT)
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

fn in_url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
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
    fn secrets_are_hidden_as_they_stand_in_json_and_in_urls() {
        let secrets = Secrets::new(["a\"b\" c".to_owned()]);
        assert_eq!(secrets.hide(r#"{"p":"a\"b\" c"}?p=a%22b%22%20c"#), r#"{"p":"***"}?p=***"#);
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        let secrets = Secrets::default();
        assert_eq!(secrets.excerpt("<a>\n  \u{1b}[31mb\r\n</a>"), "<a> \\u{1b}[31mb </a>");
        assert_eq!(secrets.excerpt(&"ä".repeat(1000)).chars().count(), EXCERPT + 1);
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secrets::new(["hush".to_owned()])), "***");
    }
}
