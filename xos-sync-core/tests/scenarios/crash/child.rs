//! The process that is killed.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use xos_sync_core::{
    Context, Outcome, Registry, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    sync_step,
};

use super::things;
use crate::world::{Crop, Farm, Field, models};

/// A backend that is a folder: a file for each thing, named after the row's uid.
#[derive(Clone)]
struct Folder {
    folder: PathBuf,
    /// Where the process is to stop and wait for its end: `after effect 3`.
    point: String,
    calls: Arc<AtomicUsize>,
    /// Held while something is done and logged.
    effects: Arc<Mutex<()>>,
}

impl Folder {
    async fn sync(&self, name: &str, uid: &str) -> usize {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.pass_point("before effect", call);
        {
            let _whole = self.effects.lock().unwrap();
            let path = things(&self.folder).join(uid);
            let verb = if path.exists() { "see" } else { "create" };
            fs::write(path, name).unwrap();
            self.log(verb, name);
        }
        self.pass_point("after effect", call);
        call
    }

    async fn delete(&self, name: &str, uid: &str) -> StepResult {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.pass_point("before delete", call);
        {
            let _whole = self.effects.lock().unwrap();
            let gone = fs::remove_file(things(&self.folder).join(uid));
            self.log(if gone.is_ok() { "delete" } else { "miss" }, name);
        }
        self.pass_point("after delete", call);
        Ok(Outcome::Done)
    }

    fn log(&self, verb: &str, name: &str) {
        let path = self.folder.join("log");
        let mut log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(log, "{verb} {name}").unwrap();
    }

    fn pass_point(&self, what: &str, call: usize) {
        if self.point == format!("{what} {call}") {
            // The log and the folder agree when the process is killed.
            let _whole = self.effects.lock().unwrap();
            stay(&self.point);
        }
    }
}

/// Reports where it is, and waits for the end.
fn stay(point: &str) -> ! {
    println!("child: at {point}");
    loop {
        std::thread::park();
    }
}

macro_rules! steps {
    ($($step:ident $model:ident),*) => {$(
        /// Keeps a file for each row.
        #[sync_step(provides = $model, synchronizer = "folder", interval = 3600)]
        pub struct $step {
            folder: Folder,
        }

        impl SyncStep for $step {
            async fn sync_record(&self, cx: &Context, object: &mut xos_sync_core::Row<$model>) -> StepResult {
                let call = self.folder.sync(&object.name, object.uid()).await;
                object.backend_id = Some(format!("b-{}", object.name));
                cx.save(object).await?;
                self.folder.pass_point("after save", call);
                Ok(Outcome::Done)
            }

            async fn delete_record(&self, _: &Context, object: &xos_sync_core::Row<$model>) -> StepResult {
                self.folder.delete(&object.name, object.uid()).await
            }
        }
    )*};
}

steps!(KeepFarms Farm, KeepFields Field, KeepCrops Crop);

fn registry() -> Registry {
    models()
        .step(KeepFarms::registration())
        .step(KeepFields::registration())
        .step(KeepCrops::registration())
}

/// Runs in a process of its own, and does nothing when the environment does not ask for it.
#[test]
fn crash_child() {
    let Ok(folder) = std::env::var("XOS_CRASH_DIR") else { return };
    let point = std::env::var("XOS_CRASH_AT").unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(work(Path::new(&folder), point));
}

async fn work(folder: &Path, point: String) {
    let url = std::env::var("XOS_CRASH_URL").unwrap();
    let db = Db::open(&url, OpenMode::Existing).await.unwrap();
    let backend = Folder {
        folder: folder.into(),
        point: point.clone(),
        calls: Arc::default(),
        effects: Arc::default(),
    };
    let built = Synchronizer::builder().db(db).registry(registry()).backend(backend).build().await;
    let synchronizer = match built {
        Ok(synchronizer) => synchronizer,
        Err(error) => return println!("child: {error}"),
    };
    if point == "start" {
        stay(&point);
    }
    synchronizer.pass().await.unwrap();
    if point == "end" {
        stay(&point);
    }
    println!("child: done");
}
