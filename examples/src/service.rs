//! A server on this machine, by one of the scripts in `tests/services`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Fallible, Options, folder, root};

/// A server in a folder; stopped when this is dropped, unless it is to be kept.
pub struct Service {
    script: PathBuf,
    folder: PathBuf,
    fresh: bool,
    keep: bool,
}

impl Service {
    /// Starts it for an example, or finds it running, and returns what the script says of it. `pid` is the
    /// file in which it keeps its process's number.
    ///
    /// # Errors
    /// When it could not be started; the script has said why.
    pub fn start(
        name: &str,
        pid: &str,
        example: &str,
        options: &Options,
    ) -> Fallible<(Self, String)> {
        let script = root().join("tests").join("services").join(name);
        let folder = folder(example).join(name);
        let process = || fs::read_to_string(folder.join(pid)).ok();
        let before = process();
        let output =
            Command::new(&script).arg("start").arg(&folder).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{} failed, see above", script.display()).into());
        }
        let fresh = before.is_none() || before != process();
        let said = String::from_utf8(output.stdout)?;
        let said = said.lines().last().unwrap_or_default().to_owned();
        Ok((Self { script, folder, fresh, keep: options.keep }, said))
    }

    /// Whether nothing can be there yet.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What to say of it after its address.
    pub fn since(&self) -> &'static str {
        if self.fresh { "" } else { ", with what an earlier run left in it" }
    }

    /// Says what is left, and stops the server unless it is kept.
    pub fn goodbye(self, address: &str, database: &Path) {
        match self.keep {
            true => println!(
                "kept: the server {address} and the database {}\nrun it again, look with sqlite3, or stop the \
                 server: {} stop {}",
                database.display(),
                self.script.display(),
                self.folder.display()
            ),
            false => println!("stopped the server; to play on with it next time: --keep"),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.keep {
            let _ = Command::new(&self.script).arg("stop").arg(&self.folder).status();
        }
    }
}
