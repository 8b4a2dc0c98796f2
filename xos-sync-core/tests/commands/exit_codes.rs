//! What the exit codes say, and what `status` says of processes.

use crate::{
    databases::{code, errors, on_each_engine, text},
    program::LISTING_FAILS,
    tests,
};

tests![
    run_once_ends_with_3_while_a_row_has_failed,
    run_once_and_status_end_with_3_when_a_listing_failed,
    a_run_without_notifications_finds_the_same,
    help_names_the_exit_codes,
    status_says_whether_anything_is_running,
];

fn run_once_ends_with_3_while_a_row_has_failed() {
    on_each_engine(|database| {
        database.lamp("good", "");
        database.lamp("slow", "wait it boots");
        assert_eq!(code(&database.run(&["run", "--once"])), 0);
        database.lamp("bad", "refuse no such lamp");
        let done = database.run(&["run", "--once"]);
        assert_eq!(code(&done), 3, "{}", errors(&done));
        // The row has still failed, although this run did not call it.
        let done = database.run(&["run", "--once"]);
        assert_eq!(code(&done), 3);
        assert!(text(&done).ends_with("1 row has failed: `status` says why\n"), "{}", text(&done));
        database.sql("UPDATE lamps SET answer = NULL");
        assert_eq!(code(&database.run(&["run", "--once"])), 0);
    });
}

fn run_once_and_status_end_with_3_when_a_listing_failed() {
    on_each_engine(|database| {
        let mut command = database.program(&["run", "--once"]);
        let done = command.env(LISTING_FAILS, "no list").output().unwrap();
        assert_eq!(code(&done), 3, "{}", errors(&done));
        assert!(text(&done).ends_with("1 listing has failed: `status` says why\n"));
        let status = database.run(&["status"]);
        assert_eq!(code(&status), 3);
        let shown = text(&status);
        let said =
            |line: &str| line.starts_with("step light/SyncLamps (") && line.ends_with("no list");
        assert!(shown.lines().any(said), "{shown}");
        assert_eq!(code(&database.run(&["run", "--once", "--come-round"])), 0);
        assert_eq!(code(&database.run(&["status"])), 0);
    });
}

fn a_run_without_notifications_finds_the_same() {
    on_each_engine(|database| {
        database.lamp("bad", "refuse no such lamp");
        let done = database.run(&["run", "--once", "--no-notifications"]);
        assert_eq!(code(&done), 3, "{}", errors(&done));
    });
}

fn help_names_the_exit_codes() {
    on_each_engine(|database| {
        let help = text(&database.run(&["--help"]));
        assert!(help.contains("Exit codes"), "{help}");
        for command in ["run", "status"] {
            let help = text(&database.run(&[command, "--help"]));
            assert!(help.contains("3  ") && help.contains("failed"), "{help}");
        }
    });
}

fn status_says_whether_anything_is_running() {
    on_each_engine(|database| {
        let running = || -> serde_json::Value {
            let json = text(&database.run(&["status", "--json"]));
            serde_json::from_str::<serde_json::Value>(&json).unwrap()["synchronizers"].clone()
        };
        let json =
            |running: bool| serde_json::json!([{"synchronizer": "light", "running": running}]);
        assert_eq!(running(), json(false));
        let shown = text(&database.run(&["status"]));
        assert!(shown.ends_with("light is not running: nothing is synced\n"), "{shown}");
        let process = database.start();
        let begun = std::time::Instant::now();
        while running() != json(true) {
            assert!(begun.elapsed().as_secs() < 30, "it does not run");
        }
        let shown = text(&database.run(&["status"]));
        assert!(shown.ends_with("light is running\n"), "{shown}");
        drop(process);
        // On a server the lease of the process must end.
        let begun = std::time::Instant::now();
        while running() != json(false) {
            assert!(begun.elapsed().as_secs() < 60, "it still runs");
        }
    });
}
