//! Who reads the output may go away.

use std::{io::Read as _, process::Stdio};

use crate::{
    databases::{Database, code, errors, on_each_engine},
    tests,
};

tests![a_closed_pipe_ends_each_command_quietly, a_closed_log_ends_nothing];

/// Runs a command whose standard output nobody reads any more: its exit code and its errors.
fn unread(database: &Database, arguments: &[&str]) -> (i32, String) {
    let mut child = database.program(arguments).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    (code(&output), errors(&output))
}

fn a_closed_pipe_ends_each_command_quietly() {
    on_each_engine(|database| {
        for at in 0..40 {
            database.lamp(&format!("lamp {at}"), "");
        }
        for command in [
            &["status"][..],
            &["status", "--json"],
            &["dmdot"],
            &["dmdot", "--dot"],
            &["dmdot", "--mermaid"],
            &["migrate"],
            &["retry"],
            &["check"],
            &["--help"],
        ] {
            assert_eq!(unread(database, command), (0, String::new()), "{command:?}");
        }
        let (code, errors) = unread(database, &["run", "--once"]);
        assert!(code == 0 && !errors.contains("panicked"), "{code}: {errors}");
        // The exit code still says what was found.
        database.lamp("bad", "refuse no power");
        database.run(&["run", "--once"]);
        assert_eq!(unread(database, &["status"]), (3, String::new()));
    });
}

fn a_closed_log_ends_nothing() {
    on_each_engine(|database| {
        database.lamp("good", "");
        database.lamp("bad", "refuse no power");
        let mut command = database.program(&["run", "--once"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().code().is_some());
        assert!(said.contains("1 enacted, 0 deleted, 1 failed"), "{said}");
        let mut wrong = database.program(&["retry", "Moon"]).spawn().unwrap();
        drop(wrong.stderr.take());
        assert_eq!(wrong.wait().unwrap().code(), Some(2));
    });
}
