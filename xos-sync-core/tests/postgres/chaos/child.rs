//! One of the processes, and the backend that they share.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::signal::unix::SignalKind;
use xos_sync_core::{
    Context, Outcome, Registry, StepError, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    schedule::Backoff,
    sync_step,
};

use crate::world::{Crop, Farm, Field, models};

/// A folder with a folder for each row that has ever had a thing, and in it each thing: it makes
/// a new one whenever it is asked to, as clouds do.
#[derive(Clone)]
struct Folder(PathBuf);

impl Folder {
    async fn sync(&self, name: &str, uid: &str, parent: Option<String>) -> Result<(), StepError> {
        let _inside = self.enter(name, uid)?;
        if let Some(parent) = &parent
            && !self.things(parent).is_dir()
        {
            self.wrong(&format!("{name} comes before its parent"));
        }
        let things = self.things(uid);
        fs::create_dir_all(&things)?;
        tokio::time::sleep(Duration::from_millis(5)).await;
        if fs::read_dir(&things)?.next().is_none() {
            fs::write(things.join(fastrand::u64(..).to_string()), name)?;
        }
        if let Some(parent) = parent {
            self.place(uid, &parent)?;
        }
        Ok(())
    }

    async fn delete(&self, name: &str, uid: &str) -> Result<(), StepError> {
        let _inside = self.enter(name, uid)?;
        tokio::time::sleep(Duration::from_millis(5)).await;
        let children = self.0.join("children").join(uid);
        let left: Vec<_> = fs::read_dir(&children).into_iter().flatten().flatten().collect();
        if !left.is_empty() {
            self.wrong(&format!("{name} {uid} goes before its children {left:?}"));
        }
        self.leave_parents(uid, "")?;
        gone(fs::remove_file(self.0.join("parents").join(uid)))?;
        gone(fs::remove_dir_all(children))?;
        gone(fs::remove_dir_all(self.things(uid)))?;
        Ok(())
    }

    /// Puts a thing under its parent. After a kill in between it is done again.
    fn place(&self, uid: &str, parent: &str) -> std::io::Result<()> {
        let [children, parents] = ["children", "parents"].map(|name| self.0.join(name));
        // Each parent that it may be under has a line, before it is.
        let mut known = OpenOptions::new().create(true).append(true).open(parents.join(uid))?;
        writeln!(known, "{parent}")?;
        fs::create_dir_all(children.join(parent))?;
        fs::write(children.join(parent).join(uid), "")?;
        self.leave_parents(uid, parent)?;
        let new = parents.join(format!("{uid}.{}", fastrand::u64(..)));
        fs::write(&new, format!("{parent}\n"))?;
        fs::rename(new, parents.join(uid))
    }

    /// Takes a thing away from all parents but this one.
    fn leave_parents(&self, uid: &str, but: &str) -> std::io::Result<()> {
        let parents = fs::read_to_string(self.0.join("parents").join(uid)).unwrap_or_default();
        for parent in parents.lines().filter(|parent| *parent != but) {
            gone(fs::remove_file(self.0.join("children").join(parent).join(uid)))?;
        }
        Ok(())
    }

    /// Only one process at a time may be inside a call for a row; one that was killed inside is
    /// not inside any more.
    fn enter(&self, name: &str, uid: &str) -> std::io::Result<Inside> {
        let path = self.0.join("inside").join(uid);
        if let Ok(pid) = fs::read_to_string(&path)
            && !pid.is_empty()
            && lives(&pid)
        {
            self.wrong(&format!("{name} is in two hands at once"));
        }
        fs::write(&path, std::process::id().to_string())?;
        Ok(Inside(path))
    }

    fn things(&self, uid: &str) -> PathBuf {
        self.0.join("things").join(uid)
    }

    fn wrong(&self, what: &str) {
        let log = OpenOptions::new().create(true).append(true).open(self.0.join("wrong"));
        writeln!(log.unwrap(), "{what}").unwrap();
    }
}

/// It may have been gone before.
fn gone(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

struct Inside(PathBuf);

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

macro_rules! steps {
    ($($step:ident $model:ident $object:ident $cx:ident $parent:expr),*) => {$(
        /// Keeps a thing for each row.
        #[sync_step(provides = $model, synchronizer = "chaos", interval = 3600, concurrency = 16)]
        pub struct $step {
            folder: Folder,
        }

        impl SyncStep for $step {
            async fn sync_record(&self, $cx: &Context, $object: &mut xos_sync_core::Row<$model>) -> StepResult {
                let parent: Option<String> = $parent;
                self.folder.sync(&$object.name, $object.uid(), parent).await?;
                $object.backend_id = Some(format!("b-{}", $object.name));
                $cx.save($object).await?;
                Ok(Outcome::Done)
            }

            async fn delete_record(&self, _: &Context, object: &xos_sync_core::Row<$model>) -> StepResult {
                self.folder.delete(&object.name, object.uid()).await?;
                Ok(Outcome::Done)
            }
        }
    )*};
}

steps!(
    ChaosFarms Farm farm cx { let _ = cx; None },
    ChaosFields Field field cx Some(cx.get(field.farm_id).await?.uid().to_owned()),
    ChaosCrops Crop crop cx Some(cx.get(crop.field_id).await?.uid().to_owned())
);

/// The steps of the program's version: the older one has none for crops.
fn registry() -> Registry {
    let older = models().step(ChaosFarms::registration()).step(ChaosFields::registration());
    match std::env::var("XOS_CHAOS_VERSION").as_deref() {
        Ok("older") => older,
        _ => older.step(ChaosCrops::registration()),
    }
}

/// Runs in a process of its own, and does nothing when the environment does not ask for it.
#[test]
fn chaos_child() {
    let Ok(folder) = std::env::var("XOS_CHAOS_DIR") else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(work(Path::new(&folder)));
}

async fn work(folder: &Path) {
    loop {
        let url = std::env::var("XOS_CHAOS_URL").unwrap();
        // A server that is away just now is no reason to end: the next start finds it.
        match Db::open(&url, OpenMode::Existing).await {
            Ok(db) => return run(db, folder).await,
            Err(error) => eprintln!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn asked_to_end() {
    let mut signal = tokio::signal::unix::signal(SignalKind::terminate()).unwrap();
    signal.recv().await;
}

async fn run(db: Db, folder: &Path) {
    let lease = std::env::var("XOS_CHAOS_LEASE").unwrap().parse().unwrap();
    let lease = Duration::from_secs(lease);
    loop {
        let synchronizer = Synchronizer::builder()
            .db(db.clone())
            .registry(registry())
            .backend(Folder(folder.into()))
            .lease(lease)
            .safety_poll(Duration::from_secs(2))
            .backoff(Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(1) })
            .build()
            .await;
        match synchronizer {
            Ok(synchronizer) => match synchronizer.run(asked_to_end()).await {
                Ok(()) => return,
                Err(error) => eprintln!("{error}"),
            },
            Err(error) => eprintln!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
