//! Where the stories keep their files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xos_sync_core::db::{Db, OpenMode};
use xos_sync_core::{Registry, migrate};

use crate::{Fallible, Options, Service};

/// Where the example of this name keeps its files.
pub fn folder(example: &str) -> PathBuf {
    root().join("target").join(format!("{example}-example"))
}

/// Where the project is.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Opens the goal state of an example for this backend and makes its tables. Each backend that is configured has
/// a file of its own. What an earlier run left there is removed when the server is ours, new, and knows nothing of
/// it. A file that was asked for is taken as it is.
///
/// # Errors
/// What the database answered.
pub async fn open(
    example: &str,
    backend: &str,
    options: &Options,
    server: Option<&Service>,
) -> Fallible<(Db, PathBuf)> {
    let name = match server {
        Some(_) => "goal.db".to_owned(),
        None => format!("goal-{}.db", word(backend)),
    };
    let file = options.database.clone().unwrap_or_else(|| folder(example).join(name));
    if options.database.is_none() && server.is_some_and(Service::is_fresh) {
        remove(&file)?;
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    println!("goal state in {}", file.display());
    let db = Db::open(&file.display().to_string(), OpenMode::Create).await?;
    if !migrate::migrate(&db, &Registry::linked()?).await?.is_empty() {
        println!("made its tables");
    }
    Ok((db, file))
}

/// A text as a part of a file's name.
fn word(text: &str) -> String {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

fn remove(file: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        match fs::remove_file(format!("{}{end}", file.display())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
