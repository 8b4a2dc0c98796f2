//! Hostile texts, and what becomes of them.

use super::*;
use crate::model::Secret;

/// What is written, and what is kept of it.
const SECRETS: &[(&str, &str)] = &[
    ("no secret here: 3 of 4 ports are open", "no secret here: 3 of 4 ports are open"),
    ("see http://host:80/a@b", "see http://host:80/a@b"),
    ("mail to joe@example.org, ssh git@host:path", "mail to joe@example.org, ssh git@host:path"),
    ("://", "://"),
    // Before a host.
    (
        "get https://bob:s3:cr@t@host:80/x and http://al@h",
        "get https://bob:***@host:80/x and http://al@h",
    ),
    ("https://bob:s/cret@host/x?y", "https://bob:***@host/x?y"),
    ("cannot log in as bob:hunter2@db.example.org", "cannot log in as bob:***@db.example.org"),
    ("(amqp://me:hunter2@[::1]:5672)", "(amqp://me:***@[::1]:5672)"),
    // Names and values.
    ("host=h password=hunter2 user=u", "host=h password=*** user=u"),
    ("host=h;Password=hunter2;User=u", "host=h;Password=***;User=u"),
    ("PASSWORD = hunter2, then", "PASSWORD = ***, then"),
    ("password: hunter2.", "password: ***."),
    ("Passwort: hunter2", "Passwort: ***"),
    ("db_passwd=>hunter2", "db_passwd=>***"),
    ("adminPass='it''s hunter2' x", "adminPass='***' x"),
    ("OS_PASSWORD=hun\\ter2", "OS_PASSWORD=***"),
    ("{'password': 'hunter2', 'user': 'bob'}", "{'password': '***', 'user': 'bob'}"),
    ("$c['password'] = 'hunter2'", "$c['password'] = '***'"),
    ("--password hunter2 --user bob", "--password *** --user bob"),
    ("Login { password: Some(\"hunter2 x\"), user: 1 }", "Login { password: ***, user: 1 }"),
    ("pass\u{200b}word\u{0}: hunter2", "pass\\u{200b}word\\0: ***"),
    ("password is too short", "password is too short"),
    ("password: null, token=none", "password: null, token=none"),
    ("token::Kind is private, bypass=1", "token::Kind is private, bypass=1"),
    // JSON, also within JSON.
    (r#"{"token":"hunter2","n":1}"#, r#"{"token":"***","n":1}"#),
    (r#"{"Api-Key" : "hun\"ter2", "n": 1}"#, r#"{"Api-Key" : "***", "n": 1}"#),
    (r#"{\"password\":\"hun\\\"ter2\",\"n\":1}"#, r#"{\"password\":\"***\",\"n\":1}"#),
    (
        r#"{"password": {"user": {"name": "bob", "password": "hunter2"}}} x"#,
        r#"{"password": ***} x"#,
    ),
    (r#"{"secrets": ["hunter2", "hunter3"]}"#, r#"{"secrets": ***}"#),
    (r#"{"password":"hunter2"#, r#"{"password":"***"#),
    // URLs.
    ("GET /x?token=hunter2&n=1", "GET /x?token=***&n=1"),
    ("GET /x?key=hunter2&sig=hunter3", "GET /x?key=***&sig=***"),
    ("monkey key=value", "monkey key=value"),
    ("next=%2Fx%3Fpassword%3Dhunter2%26n%3D1", "next=%2Fx%3Fpassword%3D***%26n%3D1"),
    ("%22password%22%3A%22hunter2%22", "%22password%22%3A%22***%22"),
    ("X-Amz-Signature=abcdef&X-Amz-Date=1", "X-Amz-Signature=***&X-Amz-Date=1"),
    // XML.
    ("<adminPass>hunter2</adminPass>", "<adminPass>***</adminPass>"),
    (
        "<w:Password Type=\"text\">hunter2</w:Password>",
        "<w:Password Type=\"text\">***</w:Password>",
    ),
    // Headers.
    ("Authorization: Bearer hunter2 was refused", "Authorization: Bearer *** was refused"),
    ("authorization: basic Ym9iOmh1bnRlcjI=", "authorization: basic ***"),
    ("-H 'Authorization: Bearer hunter2' https://h", "-H 'Authorization: Bearer ***' https://h"),
    (
        "Authorization: Digest username=\"bob\", response=\"hunter2\"\nHost: h",
        "Authorization: ***\nHost: h",
    ),
    ("Proxy-Authorization: hunter2 x", "Proxy-Authorization: ***"),
    (r#"{"Authorization": "Bearer hunter2"}"#, r#"{"Authorization": "***"}"#),
    ("Set-Cookie: session=hunter2; Path=/\r\nX: 1", "Set-Cookie: ***\nX: 1"),
    ("X-Auth-Token: hunter2", "X-Auth-Token: ***"),
    ("sent 'BEARER hunter2'", "sent 'BEARER ***'"),
    ("Basic Ym9iOmh1bnRlcjI=", "Basic ***"),
    ("a bearer token of the basic plan", "a bearer token of the basic plan"),
    // Keys.
    ("key AKIAIOSFODNN7EXAMPLE/2026/ec2", "key AKIA***/2026/ec2"),
    ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "***"),
    (
        "commit 356a192b7913b04c54574d18c28d46e6395428ab",
        "commit 356a192b7913b04c54574d18c28d46e6395428ab",
    ),
    ("x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln.", "x=***."),
    ("push with ghp_16C7e42F292c6912E7710c838347Ae178B4a", "push with ***"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY----- x",
        "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY----- x",
    ),
];

/// What a terminal must not get, and how it is shown.
const CONTROLS: &[(&str, &str)] = &[
    ("a\0b", "a\\0b"),
    ("\u{1b}[31mred\u{1b}[0m\u{7}", "\\u{1b}[31mred\\u{1b}[0m\\u{7}"),
    ("\u{1b}]0;title\u{7}\u{9b}31m\u{90}x", "\\u{1b}]0;title\\u{7}\\u{9b}31m\\u{90}x"),
    ("one\r\ntwo\n\n  three\u{2028}four\u{85}five", "one two three four five"),
    ("over\u{8}\u{8}\rwrite", "over\\u{8}\\u{8} write"),
    ("abc\u{202e}txt.exe\u{2066}\u{200f}", "abc\\u{202e}txt.exe\\u{2066}\\u{200f}"),
    ("zero\u{200b}width\u{feff}\u{e0041}", "zero\\u{200b}width\\u{feff}\\u{e0041}"),
    ("ünïcode 漢字 🦀", "ünïcode 漢字 🦀"),
];

#[test]
fn secrets_are_hidden_however_they_are_spelled() {
    for (given, kept) in SECRETS {
        assert_eq!(sanitize(given), *kept, "{given}");
    }
}

#[test]
fn control_characters_are_written_out_in_one_line() {
    for (given, shown) in CONTROLS {
        assert_eq!(one_line(given), *shown);
        assert_eq!(one_line(&sanitize(given)), *shown);
    }
    assert_eq!(sanitize("a\r\n\tb\rc"), "a\n\tb\nc");
}

#[test]
fn json_shows_as_it_is_and_says_the_same() {
    for (given, _) in CONTROLS {
        let json = serde_json::to_string_pretty(&serde_json::json!({ "a": given })).unwrap();
        let shown = escape_json(&json);
        assert!(!shown.chars().any(|c| c != '\n' && escape::is_invisible(c)), "{shown:?}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read["a"], *given);
    }
}

#[test]
fn a_long_text_is_cut_where_a_character_ends_and_says_so() {
    for character in ["x", "漢", "🦀", "\0", "\u{1b}"] {
        for bytes in [LONGEST, 5 << 20] {
            let text = character.repeat(bytes.div_ceil(character.len()));
            let kept = sanitize(&text);
            assert!(kept.len() <= LONGEST, "{} bytes of {character:?}", kept.len());
            let note = format!("(cut: it had {} bytes)", text.len());
            let whole = escape::controls(&text).len() <= LONGEST;
            assert_eq!(kept.ends_with(&note), !whole, "{bytes} of {character:?}");
            assert_eq!(sanitize(&kept), kept, "{bytes} of {character:?}");
        }
    }
    assert_eq!(cell(&"漢".repeat(500)), format!("{}…", "漢".repeat(200)));
}

#[test]
fn no_secret_shows_at_the_place_of_the_cut() {
    let secret = Secret::new("correct horse battery staple");
    for before in (MOST_READ - 40..MOST_READ + 4).step_by(3) {
        // What is hidden before makes room for what would not be shown otherwise.
        let text = format!("password={} {}", "x".repeat(before - 10), secret.reveal());
        let kept = sanitize(text);
        assert!(!kept.contains("corr"), "{before}: {}", &kept[..100]);
    }
}

#[test]
fn a_secret_in_memory_is_in_no_message() {
    let value = format!("p\"{}/ä", fastrand::u64(..));
    let in_json = serde_json::json!({ "anything": value }).to_string();
    let secret = Secret::new(value.as_str());
    assert_eq!(sanitize(format!("refused {value}")), "refused ***");
    assert_eq!(sanitize(&in_json), r#"{"anything":"***"}"#);
    let copy = secret.clone();
    drop(secret);
    assert_eq!(sanitize(&value), "***");
    drop(copy);
    assert_eq!(sanitize(&value), value);
    // Short ones stand in too many words.
    let short = Secret::new("ab");
    assert_eq!(sanitize("abandoned"), "abandoned");
    drop(short);
}

#[test]
fn a_panic_that_drops_a_secret_does_not_repeat_it() {
    let value = format!("horse {}", fastrand::u64(..));
    let text = format!("it says {value}");
    let panic = std::panic::catch_unwind(|| {
        let _row = Secret::new(value.as_str());
        std::panic::resume_unwind(Box::new(text.clone()));
    });
    let message = panic.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(sanitize(*message), "it says ***");
}

/// Pieces of hostile texts, in any order and number.
fn any_text(random: &mut fastrand::Rng) -> String {
    let pieces = SECRETS.iter().chain(CONTROLS).map(|(given, _)| *given);
    let marks = [
        "\"",
        "'",
        "\\",
        "\\\"",
        "%22",
        "&quot;",
        "&",
        ";",
        ",",
        "=",
        ":",
        "://",
        "@",
        "<",
        ">",
        "</",
        "{",
        "}",
        "[",
        "(",
        ")",
        " ",
        "\n",
        "\r",
        "\0",
        "\u{1b}",
        "\u{202e}",
        "ä",
        "🦀",
        "***",
        "password",
        "Bearer ",
        "Basic ",
        "token=",
        "Authorization: ",
        "-----BEGIN PRIVATE KEY-----",
        "%3D",
        "--secret ",
        "AKIA",
        ".",
    ];
    let all: Vec<&str> = pieces.chain(marks).collect();
    let mut text = String::new();
    for _ in 0..random.usize(1..12) {
        let piece = all[random.usize(..all.len())];
        let from = escape::boundary(piece, random.usize(..=piece.len() / 3));
        let to = escape::boundary(piece, random.usize(from..=piece.len()));
        text.push_str(if random.bool() { piece } else { &piece[from..to.max(from)] });
    }
    text
}

#[test]
fn any_text_is_made_safe_once_and_for_all() {
    let mut random = fastrand::Rng::with_seed(17);
    for _ in 0..5_000 {
        let text = any_text(&mut random);
        let kept = sanitize(&text);
        assert!(
            !kept.chars().any(|c| escape::is_invisible(c) && !matches!(c, '\n' | '\t')),
            "{text:?}"
        );
        assert_eq!(sanitize(&kept), kept, "{text:?}");
        let shown = one_line(&kept);
        assert!(!shown.chars().any(escape::is_invisible), "{text:?}");
        assert_eq!(one_line(&shown), shown, "{text:?}");
    }
}

/// No piece is read again and again: the time grows with the text, not with its square.
#[test]
fn a_large_text_takes_no_long_time() {
    for piece in [
        "password='",
        "password={",
        "<password ",
        "://a:b",
        "basic ",
        "bearer ",
        "a:b@",
        "token:\\\"",
        "'",
        "{[(",
        "-----BEGIN PRIVATE KEY-----",
        "PRIVATE KEY-----",
        "password",
        "x=",
        "Authorization: ",
        "--password ",
        "\0",
        "password=a;a;a",
        "&quot;token&quot;=",
    ] {
        let text = piece.repeat((4 << 20) / piece.len());
        assert!(sanitize(text).len() <= LONGEST, "{piece}");
    }
}
