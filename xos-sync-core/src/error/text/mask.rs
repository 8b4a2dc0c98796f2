//! PURE: what looks like a secret, whoever wrote it and however it is spelled.
//!
//! Hiding too much costs a word of a message; hiding too little costs a password. So a doubtful value
//! is hidden. Each step reads the text once from left to right.

mod names;
mod quote;
mod urls;
mod values;
mod words;

/// The text with `***` instead of what looks like a secret.
///
/// # Guarantees
/// The result is unchanged when it is redacted again.
pub(crate) fn redact(mut text: String) -> String {
    // What is hidden may have stood between a name and another value.
    for _ in 0..MOST_ROUNDS {
        let redacted = once(&text);
        if redacted == text {
            return text;
        }
        text = redacted;
    }
    // Nobody writes so but to get through here.
    HIDDEN.to_owned()
}

fn once(text: &str) -> String {
    let text = words::private_keys(text);
    let text = urls::passwords(&text);
    let text = values::of_names(&text);
    let text = words::after_scheme(&text, "bearer");
    let text = words::after_scheme(&text, "basic");
    words::keys(&text)
}

/// How often a text is read at the most.
const MOST_ROUNDS: usize = 16;

/// What a secret becomes.
const HIDDEN: &str = "***";

/// Whether a character may stand in the name of a value, such as `X-Auth-Token`. Invisible ones
/// may, so that they do not hide a name.
fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.') || invisible(c)
}

fn invisible(c: char) -> bool {
    super::escape::is_invisible(c) && !c.is_whitespace()
}

/// Bytes of the text's first characters for which this holds.
fn run(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|c| !holds(c)).unwrap_or(text.len())
}
