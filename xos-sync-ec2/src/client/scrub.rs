//! Keeps secrets out of text that others wrote.

/// How much of a reply that was not understood is shown, in characters.
const EXCERPT: usize = 200;

/// What must not be repeated: a proxy, or a server that is not EC2, may answer with what it was sent.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        // A secret that contains another one goes first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    pub(super) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// The beginning of a text in one line.
    pub(super) fn excerpt(&self, text: &str) -> String {
        let text = self.hide(text);
        let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line.retain(|character| !character.is_control());
        match line.char_indices().nth(EXCERPT) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
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
    fn an_excerpt_is_one_short_line() {
        let secrets = Secrets::default();
        assert_eq!(secrets.excerpt("<a>\n  \u{1b}[31mb\r\n</a>"), "<a> [31mb </a>");
        assert_eq!(secrets.excerpt(&"ä".repeat(1000)).chars().count(), EXCERPT + 1);
    }
}
