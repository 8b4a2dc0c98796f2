//! Text from outside: what a backend says, and what a row holds.

use crate::{
    databases::{Database, code, errors, on_each_engine, text},
    program::LISTING_FAILS,
    tests,
};

tests![
    hostile_text_is_stored_logged_and_shown_safely,
    a_secret_of_a_row_is_in_no_message,
    a_long_message_is_cut_where_it_is_stored_and_in_tables,
    a_backend_column_that_cannot_be_stored_is_told_on_its_row,
];

/// Ends lines, forges others, turns the direction of writing, and controls the terminal.
const HOSTILE: &str = "{NUL}one\r\nFarm forged (#9) enacted\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J\u{202e}gpj.exe\u{200b} Password=hunter2 end";

/// No character of it can do anything to a terminal.
fn assert_harmless(shown: &str) {
    let harmful = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{200b}' | '\u{202e}'));
    assert!(!shown.contains(harmful), "{shown:?}");
    assert!(!shown.contains("hunter2"), "{shown:?}");
    assert!(shown.lines().all(|line| !line.starts_with("Farm forged")), "{shown:?}");
}

fn status(database: &Database) -> serde_json::Value {
    let json = database.run(&["status", "--json"]);
    assert_harmless(&text(&json));
    serde_json::from_str(&text(&json)).unwrap()
}

fn hostile_text_is_stored_logged_and_shown_safely() {
    on_each_engine(|database| {
        let classes = ["fail", "refuse", "wait", "throttle", "panic"];
        for class in classes {
            let label = "evil\u{1b}[2J\nFarm forged\u{202e}";
            database.lamp(label, &format!("{class} {HOSTILE}"));
        }
        let mut command = database.program(&["run", "--once"]);
        let done = command.env(LISTING_FAILS, HOSTILE).env("RUST_LOG", "debug").output().unwrap();
        assert_harmless(&errors(&done));
        assert_harmless(&text(&done));
        assert_harmless(&text(&database.run(&["status"])));

        let status = status(database);
        let of = |name: &str| -> Vec<String> {
            let mut objects = status["objects"].as_array().unwrap().clone();
            objects.sort_by_key(|object| object["id"].as_i64());
            objects.iter().map(|object| object[name].as_str().unwrap().to_owned()).collect()
        };
        // A message changes no class.
        assert_eq!(of("class"), ["transient", "terminal", "waiting", "throttled", "transient"]);
        let reasons = ["BackendError", "InvalidGoal", "LampIsCold", "Throttled", "Panicked"];
        assert_eq!(of("reason"), reasons);
        let kept = "\\0one\nFarm forged (#9) enacted\\u{1b}[31m\\u{1b}]0;title\\u{7}\\u{9b}2J\\u{202e}gpj.exe\\u{200b} \
                    Password=*** end";
        for message in of("message") {
            assert!(message.ends_with(kept), "{message:?}");
        }
        assert_eq!(status["steps"][0]["message"], kept);
        assert!(of("label").iter().all(|label| label == "evil\u{1b}[2J\nFarm forged\u{202e}"));
    });
}

fn a_secret_of_a_row_is_in_no_message() {
    on_each_engine(|database| {
        for class in ["fail", "panic", "wait"] {
            let id = database.lamp(class, "");
            database.sql(&format!(
                "UPDATE lamps SET password = 'correct \"horse', \
                 answer = '{class} the backend says: <<{{PASSWORD}}>>' WHERE id = {id}"
            ));
        }
        let done = database.run(&["run", "--once"]);
        assert!(errors(&done).contains("the backend says: <<***>>"), "{}", errors(&done));
        for shown in [errors(&done), text(&database.run(&["status"])), status(database).to_string()]
        {
            assert!(!shown.contains("horse"), "{shown}");
        }
    });
}

fn a_long_message_is_cut_where_it_is_stored_and_in_tables() {
    on_each_engine(|database| {
        database.lamp("lamp", "refuse a {LONG} z");
        database.run(&["run", "--once"]);
        let shown = text(&database.run(&["status"]));
        assert!(shown.lines().all(|line| line.chars().count() < 400), "{}", shown.len());
        assert!(shown.contains("xxx…"), "{shown}");
        let status = status(database);
        let message = status["objects"][0]["message"].as_str().unwrap();
        assert!((60_000..=65_536).contains(&message.len()), "{}", message.len());
        assert!(message.ends_with("(cut: it had 3145732 bytes)"), "{}", &message[65_400..]);
    });
}

fn a_backend_column_that_cannot_be_stored_is_told_on_its_row() {
    on_each_engine(|database| {
        database.lamp("bad", "save a{NUL}b");
        database.lamp("good", "save ab");
        let done = database.run(&["run", "--once"]);
        assert!(code(&done) == 0 || code(&done) == 3, "{}", errors(&done));
        assert_harmless(&errors(&done));
        let status = status(database);
        assert_eq!(
            status["models"][0]["counts"]["enacted"].as_i64(),
            Some(if code(&done) == 0 { 2 } else { 1 })
        );
    });
}
