//! A program of another language on the database of a test.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::world::World;

/// Installs the clients and runs them.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/services/orm");

/// A client that waits for operations.
pub struct Client {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    /// Starts the client of this name.
    pub fn start(name: &'static str, world: &World) -> Self {
        let mut child = Command::new(PROGRAM)
            .args([name, &world.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { name, child, input, output: BufReader::new(output) }
    }

    /// Runs an operation: `ok RESULT`, or `error TEXT`.
    pub fn ask(&mut self, operation: &str) -> String {
        let mut answer = String::new();
        // A client that has ended says why by itself.
        let _ = writeln!(self.input, "{operation}");
        self.output.read_line(&mut answer).unwrap();
        assert!(
            answer.ends_with('\n'),
            "the client {} has ended; is it installed? Run tests/run, or tests/services/orm install",
            self.name
        );
        answer.trim_end().to_owned()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
