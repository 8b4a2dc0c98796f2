//! Which rows `retry` tries again.

use crate::{
    databases::{Database, code, errors, on_each_engine, text},
    tests,
};

tests![
    retry_leaves_rows_that_wait_for_their_backend,
    retry_of_one_object_tries_no_other,
    retry_of_what_is_not_there_says_so,
];

/// Five lamps, each after its first call. Their keys are 1 to 5.
fn lamps() -> impl Fn(&Database) {
    |database| {
        for (at, answer) in
            ["fail no power", "refuse no such lamp", "wait it boots", "throttle slowly", ""]
                .into_iter()
                .enumerate()
        {
            assert_eq!(database.lamp(&format!("lamp{at}"), answer), (at + 1).to_string());
        }
        database.run(&["run", "--once"]);
        assert_eq!(waiting(database), "1 2 3 4");
    }
}

/// The keys of the rows that wait for a time.
fn waiting(database: &Database) -> String {
    let json: serde_json::Value =
        serde_json::from_str(&text(&database.run(&["status", "--json"]))).unwrap();
    let objects = json["objects"].as_array().unwrap().iter();
    let mut ids: Vec<_> = objects
        .filter(|object| !object["retry_at"].is_null())
        .map(|o| o["id"].to_string())
        .collect();
    ids.sort();
    ids.join(" ")
}

fn retry_leaves_rows_that_wait_for_their_backend() {
    on_each_engine(|database| {
        lamps()(database);
        let done = database.run(&["retry"]);
        assert_eq!((code(&done), errors(&done).as_str()), (0, ""));
        assert_eq!(
            text(&done),
            "2 rows are tried again now\n2 rows wait as their backend asked: `--waiting` tries them too\n"
        );
        assert_eq!(waiting(database), "3 4");
        let done = database.run(&["retry", "lamps", "--waiting"]);
        assert_eq!(text(&done), "2 rows are tried again now\n");
        assert_eq!(waiting(database), "");
    });
}

fn retry_of_one_object_tries_no_other() {
    on_each_engine(|database| {
        lamps()(database);
        assert_eq!(text(&database.run(&["retry", "Lamp", "2"])), "1 row is tried again now\n");
        assert_eq!(waiting(database), "1 3 4");
        let done = database.run(&["retry", "Lamp", "4"]);
        assert_eq!(
            text(&done),
            "0 rows are tried again now\n1 row waits as its backend asked: `--waiting` tries it too\n"
        );
        database.run(&["retry", "Lamp", "4", "--waiting"]);
        assert_eq!(waiting(database), "1 3");
        assert_eq!(text(&database.run(&["retry", "Lamp", "5"])), "0 rows are tried again now\n");
    });
}

fn retry_of_what_is_not_there_says_so() {
    on_each_engine(|database| {
        let done = database.run(&["retry", "Lamp", "7"]);
        assert_eq!((code(&done), errors(&done).as_str()), (1, "error: Lamp #7 does not exist\n"));
        let done = database.run(&["retry", "Moon"]);
        assert_eq!(code(&done), 2);
        assert!(errors(&done).starts_with("error: there is no model Moon; there are: "));
        assert_eq!(code(&database.run(&["retry", "Lamp", "seven"])), 2);
    });
}
