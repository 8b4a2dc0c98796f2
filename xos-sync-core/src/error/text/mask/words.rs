//! PURE: secrets that are known by their own look.

use super::{HIDDEN, run};

/// Schemes of authorization that have one word behind them.
pub(super) const SCHEMES: [&str; 6] = ["bearer", "basic", "token", "negotiate", "apikey", "ntlm"];

/// How keys begin that services give out.
const PREFIXES: [&str; 13] = [
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "sk_live_",
    "sk-ant-",
    "sk-proj-",
    "AIza",
    "gAAAAA",
];

/// A shorter word is no key.
const SHORTEST_KEY: usize = 20;

/// How the identifiers of AWS keys begin.
const AWS: [&str; 4] = ["AKIA", "ASIA", "AROA", "AIDA"];

/// Words behind `Bearer` that are no token.
const NO_TOKEN: [&str; 7] =
    ["token", "tokens", "auth", "authentication", "authorization", "scheme", "realm"];

/// Hides the bodies of private keys in PEM.
pub(super) fn private_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("PRIVATE KEY-----") {
        let (before, after) = rest.split_at(at + "PRIVATE KEY-----".len());
        out.push_str(before);
        rest = after;
        let begins =
            before.rfind("-----BEGIN ").is_some_and(|at| !before[at + 5..].contains("-----END"));
        if begins {
            out.push_str(HIDDEN);
            rest = &after[after.find("-----END ").unwrap_or(after.len())..];
        }
    }
    out.push_str(rest);
    out
}

/// Hides the credentials behind a scheme, which is given in small letters.
pub(super) fn after_scheme(text: &str, scheme: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let (mut shown, mut at) = (0, 0);
    while let Some(start) = lower[at..].find(scheme).map(|offset| at + offset) {
        at = start + scheme.len();
        let begins_word = !text[..start].ends_with(|c: char| c.is_alphanumeric());
        let gap = match text[at..].starts_with("%20") {
            true => 3,
            false => run(&text[at..], |c| matches!(c, ' ' | '\t' | '+')),
        };
        let token = &text[at + gap..];
        let token = token[..run(token, in_key)].trim_end_matches('.');
        let secret = match scheme {
            "basic" => is_base64(token),
            _ => !token.is_empty() && !NO_TOKEN.iter().any(|word| token.eq_ignore_ascii_case(word)),
        };
        if begins_word && gap > 0 && secret {
            out.push_str(&text[shown..at + gap]);
            out.push_str(HIDDEN);
            at += gap + token.len();
            shown = at;
        }
    }
    out.push_str(&text[shown..]);
    out
}

/// Whether it may be a name and a password, and is no plain word.
fn is_base64(token: &str) -> bool {
    let mixed = token.contains(|c: char| c.is_ascii_digit() || c == '=')
        || token.chars().skip(1).any(|c| c.is_ascii_uppercase());
    token.len() >= 4 && mixed
}

/// Hides keys of services.
pub(super) fn keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (run_of_keys, after) = rest.split_at(run(rest, in_key));
        for word in run_of_keys.split_inclusive('=') {
            match without_end(word) {
                key if is_aws_secret(key) => hide(word, key, &mut out),
                _ => word.split_inclusive('/').for_each(|part| hide_known(part, &mut out)),
            }
        }
        let gap = run(after, |c| !in_key(c));
        out.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    out
}

fn hide_known(part: &str, out: &mut String) {
    match without_end(part) {
        key if is_key(key) => hide(part, key, out),
        key if is_aws_identifier(key) => {
            out.push_str(&key[..4]);
            hide(part, key, out);
        }
        _ => out.push_str(part),
    }
}

/// Writes what stands behind the key at the word's beginning.
fn hide(word: &str, key: &str, out: &mut String) {
    out.push_str(HIDDEN);
    out.push_str(&word[key.len()..]);
}

fn without_end(word: &str) -> &str {
    word.trim_end_matches(['.', '=', '/'])
}

fn in_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '.' | '~')
}

fn is_key(word: &str) -> bool {
    let known =
        PREFIXES.iter().any(|prefix| word.starts_with(prefix)) && word.len() >= SHORTEST_KEY;
    known || (word.starts_with("eyJ") && word.matches('.').count() >= 2)
}

/// 40 characters of base64 that are no number in hexadecimal digits.
fn is_aws_secret(word: &str) -> bool {
    let some = |holds: fn(&char) -> bool| word.chars().any(|c| holds(&c));
    word.len() == 40
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '+'))
        && some(char::is_ascii_uppercase)
        && some(char::is_ascii_lowercase)
        && some(char::is_ascii_digit)
}

fn is_aws_identifier(word: &str) -> bool {
    word.len() == SHORTEST_KEY
        && AWS.iter().any(|begin| word.starts_with(begin))
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}
