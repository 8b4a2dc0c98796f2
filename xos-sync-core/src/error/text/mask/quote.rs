//! PURE: quotes around a value, also quotes within quotes and in other encodings.

use std::ops::Range;

/// Quotes that are spelled out.
const SPELLED: [&str; 6] = ["%22", "%27", "&quot;", "&#34;", "&#39;", "&apos;"];

/// The mark at the beginning of the text, with the backslashes before it: its length.
pub(super) fn mark(text: &str) -> Option<usize> {
    if let Some(mark) = SPELLED.iter().find(|mark| text.starts_with(**mark)) {
        return Some(mark.len());
    }
    let backslashes = text.len() - text.trim_start_matches('\\').len();
    text[backslashes..].starts_with(['"', '\'', '`']).then_some(backslashes + 1)
}

/// What stands in the quotes that begin at `at`; up to the end of the text if they do not end.
pub(super) fn inside(text: &str, at: usize) -> Option<Range<usize>> {
    let open = mark(&text[at..])?;
    let start = at + open;
    let mark = &text[at..start];
    let rest = &text[start..];
    let length = match mark.strip_prefix('&').or(mark.strip_prefix('%')) {
        Some(_) => rest.find(mark),
        None => end(rest, mark),
    };
    Some(start..start + length.unwrap_or(rest.len()))
}

/// Where the quotes end that this mark has begun. Within one level of quotes, a mark has one
/// backslash, within two it has three.
fn end(text: &str, mark: &str) -> Option<usize> {
    let level = mark.len() - 1;
    let quote = mark.as_bytes().last().copied()?;
    let bytes = text.as_bytes();
    let (mut backslashes, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == b'\\' {
            backslashes += 1;
            continue;
        }
        if byte == quote && backslashes % (2 * level + 2) == level {
            // In SQL, two marks are one within quotes.
            let doubled = quote == b'\'' && level == 0 && bytes.get(at) == Some(&quote);
            if !doubled {
                return Some(at - 1 - level);
            }
            at += 1;
        }
        backslashes = 0;
    }
    None
}

/// Where the group in brackets ends that begins at `at`; the end of the text if it does not end.
pub(super) fn group(text: &str, at: usize) -> usize {
    let (mut depth, mut here) = (0_usize, at);
    while let Some(c) = text[here..].chars().next() {
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            '"' | '\'' | '`' => match inside(text, here) {
                Some(quoted) => here = quoted.end,
                None => return text.len(),
            },
            _ => {}
        }
        if here >= text.len() {
            return text.len();
        }
        here += text[here..].chars().next().map_or(1, char::len_utf8);
        if depth == 0 {
            return here;
        }
    }
    text.len()
}
