//! Whether an SQLite file is still the one that was opened.

use std::path::{Path, PathBuf};

/// The file behind open connections, and its write-ahead log.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    log_path: PathBuf,
    file: Option<Identity>,
    /// `None` until it is there; it stays as long as a connection is open.
    log: Option<Identity>,
}

/// Device and inode.
type Identity = (u64, u64);

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileState {
    /// It is the one that was opened.
    Same,
    /// There is none.
    Gone,
    /// There is another one.
    Replaced,
    /// Its content was written over, and its log is not the one that is open.
    Overwritten,
}

impl OpenFile {
    /// The file that was just opened.
    pub(super) fn new(path: &Path) -> Self {
        let mut log_path = path.as_os_str().to_owned();
        log_path.push("-wal");
        let log_path = PathBuf::from(log_path);
        let (file, log) = (identity(path), identity(&log_path));
        Self { path: path.to_owned(), log_path, file, log }
    }

    /// A log that still lies there is that of the file which was replaced: SQLite would write it into
    /// the new one.
    pub(super) fn set_log_aside(&self) {
        if self.log.is_none() || identity(&self.log_path) != self.log {
            return;
        }
        let mut aside = self.log_path.as_os_str().to_owned();
        aside.push(".replaced");
        let (aside, log) = (PathBuf::from(aside), self.log_path.display());
        match std::fs::rename(&self.log_path, &aside) {
            Ok(()) => {
                tracing::warn!("{log} is of the replaced file, and is now {}", aside.display())
            }
            Err(error) => tracing::error!("{log} is of the replaced file: remove it: {error}"),
        }
        let mut index = self.path.as_os_str().to_owned();
        index.push("-shm");
        // It is made from the log.
        let _ = std::fs::remove_file(PathBuf::from(index));
    }

    pub(super) fn look(&mut self) -> FileState {
        let file = identity(&self.path);
        if file.is_none() && self.file.is_some() {
            return FileState::Gone;
        }
        if file != self.file {
            return FileState::Replaced;
        }
        let log = identity(&self.log_path);
        if self.log.is_some() && log != self.log {
            return FileState::Overwritten;
        }
        self.log = log;
        FileState::Same
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}

/// Elsewhere a file that is open cannot be replaced.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_known_by_its_inode_and_that_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let [path, log, other] =
            ["goal.db", "goal.db-wal", "other"].map(|name| folder.path().join(name));
        fs::write(&path, "1").unwrap();
        let mut open = OpenFile::new(&path);
        assert_eq!(open.look(), FileState::Same);
        fs::write(&log, "1").unwrap();
        assert_eq!(open.look(), FileState::Same);
        fs::write(&path, "2").unwrap();
        assert_eq!(open.look(), FileState::Same);
        fs::write(&other, "1").unwrap();
        fs::rename(&other, &log).unwrap();
        assert_eq!(open.look(), FileState::Overwritten);
        fs::write(&other, "1").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(open.look(), FileState::Replaced);
        fs::remove_file(&path).unwrap();
        assert_eq!(open.look(), FileState::Gone);
    }
}
