//! PURE: values with the name of a secret: `password=…`, `"token": "…"`, `Authorization: …`.

use std::ops::Range;

use super::{
    HIDDEN, in_name, invisible,
    names::{Kind, kind},
    quote, run,
    words::SCHEMES,
};

/// Words that say that there is no value.
const NOTHING: [&str; 7] = ["null", "none", "nil", "true", "false", "undefined", HIDDEN];

/// Hides the values whose names say that they are secret.
pub(super) fn of_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut shown, mut at) = (0, 0);
    while let Some(start) = text[at..].find(in_name).map(|offset| at + offset) {
        let name = start..start + run(&text[start..], in_name);
        at = name.end;
        let found = kind(&text[name.clone()]).and_then(|kind| value(text, name, kind));
        if let Some(value) = found.filter(|value| value.start >= at && !value.is_empty()) {
            out.push_str(&text[shown..value.start]);
            out.push_str(HIDDEN);
            (shown, at) = (value.end, value.end);
        }
    }
    out.push_str(&text[shown..]);
    out
}

/// Where the value of this name stands.
fn value(text: &str, name: Range<usize>, kind: Kind) -> Option<Range<usize>> {
    if let Some(value) = in_element(text, &name) {
        return Some(value);
    }
    let mut at = name.end;
    if let Some(mark) = quote::mark(&text[at..]) {
        at += mark;
    }
    at += run(&text[at..], |c| c == ']');
    at += run(&text[at..], blank);
    let separator = separator(&text[at..]);
    let is_flag = text[name.clone()].starts_with("--") && at > name.end;
    match (kind, separator) {
        (_, None) if !is_flag => return None,
        (Kind::Parameter, Some(_)) if !text[..name.start].ends_with(['?', '&']) => return None,
        (Kind::Parameter, None) => return None,
        _ => {}
    }
    at += separator.unwrap_or_default();
    at += run(&text[at..], blank);
    if let Some(quoted) = quote::inside(text, at) {
        return Some(quoted);
    }
    match kind {
        Kind::Header => Some(header(text, at)),
        _ => plain(text, at),
    }
}

fn blank(c: char) -> bool {
    c.is_whitespace() || invisible(c)
}

/// `=`, `:`, `=>`, `:=`, `==`, also in a URL: the length.
fn separator(text: &str) -> Option<usize> {
    for encoded in ["%3d", "%3a", "%3D", "%3A"] {
        if text.starts_with(encoded) {
            return Some(encoded.len());
        }
    }
    // `token::Kind` is a path.
    if !text.starts_with(['=', ':']) || text.starts_with("::") {
        return None;
    }
    Some(1 + run(&text[1..], |c| matches!(c, '=' | '>')))
}

/// The text of an XML element of this name.
fn in_element(text: &str, name: &Range<usize>) -> Option<Range<usize>> {
    let before = &text[..name.start];
    let before = match before.strip_suffix(':') {
        Some(before) => before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()),
        None => before,
    };
    if !before.ends_with('<') {
        return None;
    }
    let tag = &text[name.end..];
    let tag_end = run(tag, |c| !matches!(c, '<' | '>'));
    if !tag[tag_end..].starts_with('>') || tag[..tag_end].ends_with('/') {
        return None;
    }
    let start = name.end + tag_end + 1;
    Some(start..start + run(&text[start..], |c| c != '<'))
}

/// The credentials of a header. Of a known scheme, they are one word; else they are the rest of the line.
fn header(text: &str, at: usize) -> Range<usize> {
    let rest = &text[at..];
    let scheme = run(rest, |c| c.is_ascii_alphanumeric() || c == '-');
    if SCHEMES.iter().any(|known| rest[..scheme].eq_ignore_ascii_case(known)) {
        let start = at + scheme + run(&rest[scheme..], |c| matches!(c, ' ' | '\t' | '+'));
        return start..start + run(&text[start..], |c| !ends_word(c));
    }
    let quotes = ["digest", "aws4", "hawk", "oauth"];
    let lower = rest[..scheme].to_ascii_lowercase();
    let quotes = quotes.iter().any(|known| lower.starts_with(known));
    let line = run(rest, |c| !matches!(c, '\n' | '\r') && (quotes || c != '"'));
    at..at + line
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | ',' | ';')
}

/// A value without quotes.
fn plain(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    if rest.starts_with(['{', '[', '(']) {
        return Some(at..quote::group(text, at));
    }
    let mut end = at;
    while let Some(c) = text[end..].chars().next() {
        if matches!(c, '(' | '[' | '{') && quote::mark(&text[end + 1..]).is_some() {
            // `Some("…")`.
            end = quote::group(text, end);
            continue;
        }
        if c.is_whitespace() || ends_value(&text[end..], c) {
            break;
        }
        end += c.len_utf8();
    }
    let value = text[at..end].trim_end_matches([',', ';', '.', '!']);
    let nothing = NOTHING.iter().any(|word| value.eq_ignore_ascii_case(word));
    (!nothing && !value.is_empty()).then_some(at..at + value.len())
}

/// Whether the value ends before this character: something else follows that has the look of it.
fn ends_value(text: &str, c: char) -> bool {
    let after = &text[c.len_utf8()..];
    match c {
        '&' | ';' | ',' => after.is_empty() || after.starts_with(blank) || begins_value(after),
        '%' => text.starts_with("%26"),
        '<' => after.starts_with('/'),
        '\\' => quote::mark(text).is_some(),
        '"' | '\'' | '`' | ')' | ']' | '}' => {
            after.is_empty()
                || after.starts_with(|c: char| {
                    c.is_whitespace()
                        || matches!(
                            c,
                            ',' | ';' | ':' | '.' | ')' | ']' | '}' | '>' | '"' | '\'' | '`' | '/'
                        )
                })
        }
        _ => false,
    }
}

/// Whether another name with its value begins here.
fn begins_value(text: &str) -> bool {
    let text = text.trim_start_matches("amp;");
    let mut characters = text.chars();
    let name = characters.by_ref().take(64).take_while(|c| in_name(*c)).count();
    let separator = text.chars().nth(name);
    name > 0 && matches!(separator, Some('=' | ':'))
}
