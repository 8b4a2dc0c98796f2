//! One process per Synchronizer and SQLite file. On a server, members share the work instead.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// The right to run a Synchronizer on a database. The operating system takes it back when the
/// process ends, also by kill -9.
#[derive(Debug)]
pub struct ProcessLock {
    _file: File,
}

/// The database's file by whatever way it was named, and its lock's.
fn paths(file: &Path, synchronizer: &str) -> (PathBuf, PathBuf) {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let mut path = file.as_os_str().to_owned();
    path.push(format!("-{synchronizer}.lock"));
    (file, PathBuf::from(path))
}

impl ProcessLock {
    /// Whether somebody has it, as far as can be seen.
    pub(super) fn is_taken(file: &Path, synchronizer: &str) -> bool {
        match File::open(paths(file, synchronizer).1) {
            Ok(lock) => lock.try_lock_shared().is_err(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    pub(super) fn take(file: &Path, synchronizer: &str) -> Result<Self> {
        let (file, path) = paths(file, synchronizer);
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(
                |source| Error::Io { what: format!("cannot lock {}", path.display()), source },
            )?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _file: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::AlreadyRunning {
                synchronizer: synchronizer.to_owned(),
                file: file.display().to_string(),
                lock: path.display().to_string(),
            }),
            Err(TryLockError::Error(source)) => {
                Err(Error::Io { what: format!("cannot lock {}", path.display()), source })
            }
        }
    }
}
