//! PURE: passwords before a host: `scheme://user:password@host`, `user:password@host`.

use super::{HIDDEN, run};

/// Bytes of a text without spaces in which a host is looked for.
const WINDOW: usize = 2048;

/// Hides passwords that stand before a host.
pub(super) fn passwords(text: &str) -> String {
    if !text.contains('@') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = run(rest, |c| !separates(c));
        let (this, after) = rest.split_at(word);
        hide(this, &mut out);
        let gap = run(after, separates);
        out.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    out
}

fn separates(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '|')
}

/// One word, which may hold several URLs.
fn hide(word: &str, out: &mut String) {
    let mut rest = word;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let authority = authority(after);
        out.push_str(&without_password(&after[..authority]));
        rest = &after[authority..];
    }
    match word.contains("://") {
        true => out.push_str(rest),
        false => out.push_str(&without_scheme(rest)),
    }
}

/// How long the part of a URL is that names user, password and host. A password may hold what should
/// have been encoded.
fn authority(text: &str) -> usize {
    let end = run(text, |c| !matches!(c, '/' | '?' | '#'));
    let head = &text[..end];
    let is_port = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    match head.split_once(':') {
        Some((_, port)) if !head.contains('@') && !is_port(port) && !head.starts_with('[') => {
            let window = &text[..super::super::escape::boundary(text, WINDOW)];
            let window = &window[..window.find("://").unwrap_or(window.len())];
            match window.rfind('@') {
                Some(at) => at + 1 + run(&text[at + 1..], |c| !matches!(c, '/' | '?' | '#')),
                None => end,
            }
        }
        _ => end,
    }
}

fn without_password(authority: &str) -> String {
    match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    }
}

fn without_scheme(word: &str) -> String {
    let Some((before, host)) = word.rsplit_once('@') else { return word.to_owned() };
    let Some((user, password)) = before.split_once(':') else { return word.to_owned() };
    let named = user.chars().next_back().is_some_and(char::is_alphanumeric);
    let hosted = host.starts_with(|c: char| c.is_alphanumeric() || c == '[');
    if named && hosted && !password.is_empty() && !user.eq_ignore_ascii_case("mailto") {
        format!("{user}:{HIDDEN}@{host}")
    } else {
        word.to_owned()
    }
}
