//! The smallest complete Synchronizer: one model, one step, and a backend, which is a folder.
//!
//! ```sh
//! cargo run --example quickstart -- migrate
//! sqlite3 xos.db "INSERT INTO sites (name, login_base) VALUES ('Our lab', 'lab')"
//! sqlite3 xos.db "INSERT INTO slices (name, site_id) VALUES ('lab_web', 1)"
//! sqlite3 xos.db "INSERT INTO home_pages (slice_id, title) VALUES (1, 'Hello')"
//! cargo run --example quickstart -- run     # in another terminal: change, delete, look at pages/
//! ```

use std::{convert::Infallible, fs, io, path::PathBuf, process::ExitCode};

use xos_sync_core::models::Slice;
use xos_sync_core::{Context, Id, Outcome, Row, StepResult, SyncStep, backend, model, sync_step};

/// What should be: a page for a slice. A row is the goal; the step fills `#[backend]` columns.
#[model(table = home_pages)]
pub struct HomePage {
    /// Its key.
    pub id: Id<HomePage>,
    /// Whose page it is: it waits for its slice, and goes with it.
    #[references(Slice, on_delete = cascade)]
    pub slice_id: Id<Slice>,
    /// What stands on it.
    #[label]
    pub title: String,
    /// Where it is.
    #[backend]
    pub path: Option<String>,
}

/// The backend: a folder of pages.
#[derive(Clone)]
struct Pages {
    folder: PathBuf,
}

async fn pages() -> Result<Pages, Infallible> {
    Ok(Pages { folder: PathBuf::from("pages") })
}

backend!(Pages, pages);

impl Pages {
    /// Named by the row's uid, which is never used again: a second call changes nothing.
    fn path(&self, page: &Row<HomePage>) -> PathBuf {
        self.folder.join(format!("{}.html", page.uid()))
    }
}

/// Keeps one file for each page.
#[sync_step(provides = HomePage, interval = 3600)]
pub struct SyncHomePages {
    pages: Pages,
}

impl SyncStep for SyncHomePages {
    async fn sync_record(&self, cx: &Context, page: &mut Row<HomePage>) -> StepResult {
        let slice = cx.get(page.slice_id).await?;
        let path = self.pages.path(page);
        fs::create_dir_all(&self.pages.folder)?; // an error is shown on the row, and tried again later
        fs::write(&path, format!("<h1>{}</h1><p>{}</p>\n", page.title, slice.name))?;
        page.path = Some(path.display().to_string());
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, page: &Row<HomePage>) -> StepResult {
        match fs::remove_file(self.pages.path(page)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(Outcome::Done),
        }
    }
}

fn main() -> ExitCode {
    xos_sync_core::manage::main()
}
