//! Keeps secrets out of text that others wrote, and makes one line of it.

/// How much of an answer that was not understood is shown, in characters.
const EXCERPT: usize = 200;

/// What must not be repeated: a proxy, or a server that is not OpenStack, may answer with what it was
/// sent.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        // As it stands in JSON too.
        let quoted: Vec<_> = secrets.iter().map(|secret| in_json(secret)).collect();
        secrets.extend(quoted);
        // A secret that contains another one goes first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self(secrets)
    }

    pub(super) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// The beginning of a text in one line.
    pub(super) fn excerpt(&self, text: &str) -> String {
        let mut line = one_line(&self.hide(text));
        if let Some((end, _)) = line.char_indices().nth(EXCERPT) {
            line.truncate(end);
            line.push('…');
        }
        line
    }
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

pub(super) fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.retain(|character| !character.is_control());
    line
}

/// The words of an HTML page.
pub(super) fn without_tags(page: &str) -> String {
    let mut words = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        words.push_str(before);
        words.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    words.push_str(rest);
    words
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
        let secrets = Secrets::new(["a\"b".to_owned()]);
        assert_eq!(secrets.hide(r#"{"password":"a\"b"}"#), r#"{"password":"***"}"#);
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        let secrets = Secrets::default();
        assert_eq!(secrets.excerpt("a\n  \u{1b}[31mb\r\n"), "a [31mb");
        assert_eq!(secrets.excerpt(&"ä".repeat(1000)).chars().count(), EXCERPT + 1);
    }

    #[test]
    fn a_page_is_reduced_to_its_words() {
        let page = "<html><head><title>409 Conflict</title></head><body><br /><br />In use.</body";
        assert_eq!(one_line(&without_tags(page)), "409 Conflict In use.");
    }
}
