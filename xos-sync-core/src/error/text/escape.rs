//! PURE: control characters, lines and lengths.

use std::fmt::Write as _;

/// Characters of a message in a table of the status.
const CELL: usize = 200;

/// The last place at or before `at` where the text can be cut.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether a character has no shape of its own, and may change how others are shown: controls,
/// direction marks, invisible characters, separators of lines and paragraphs.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with its invisible characters written out, as `\u{1b}`. Tabs stay, and all line breaks are
/// `\n`.
pub(super) fn controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((line, after)) =
        rest.split_once(['\n', '\t', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
    {
        out.push_str(&write_out(line));
        let mark = &rest[line.len()..rest.len() - after.len()];
        out.push(if mark == "\t" { '\t' } else { '\n' });
        rest = if mark == "\r" { after.strip_prefix('\n').unwrap_or(after) } else { after };
    }
    out.push_str(&write_out(rest));
    out
}

fn write_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if !is_invisible(c) => out.push(c),
            '\0' => out.push_str("\\0"),
            // Writing to a string cannot fail.
            c => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    out
}

/// The text in one line: each run of whitespace is one space, and other invisible characters are
/// written out, as `\u{1b}`.
///
/// ```
/// # use xos_sync_core::http::one_line;
/// assert_eq!(one_line("no\n  such \u{1b}[31muser"), "no such \\u{1b}[31muser");
/// ```
#[must_use]
pub fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split(char::is_whitespace).filter(|word| !word.is_empty()).collect();
    write_out(&words.join(" "))
}

/// The text's first characters, with `…` where it goes on.
pub(super) fn cut(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The text for a table: in one line, and no longer than 200 characters.
pub(crate) fn cell(text: &str) -> String {
    cut(one_line(text), CELL)
}

/// JSON with its invisible characters as `\u001b`, so that a terminal shows it as it is. They stand
/// only in strings there; line breaks between values stay.
#[cfg(any(feature = "manage", test))]
pub(crate) fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_invisible(c) {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}
