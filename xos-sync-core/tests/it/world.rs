//! Farm → Field → Crop, a backend in memory, and the steps between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use tempfile::TempDir;
use xos_sync_core::{
    Context, Id, Model, Registry, Report, StepError, StepResult, SyncStep, Synchronizer,
    db::{AnyConnection, Db, OpenMode},
    migrate, model,
    schedule::Backoff,
    status::{self, Status},
    sync_step,
};

/// A farm.
#[model(table = farms)]
pub struct Farm {
    /// Its name.
    #[unique]
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A field of a farm.
#[model(table = fields)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Where it is.
    #[references(Farm)]
    pub farm_id: Id<Farm>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A crop on a field; may stand on another crop.
#[model(table = crops)]
pub struct Crop {
    /// Its name.
    pub name: String,
    /// Where it grows.
    #[references(Field)]
    pub field_id: Id<Field>,
    /// What it leans on.
    #[references(Crop)]
    pub support_id: Option<Id<Crop>>,
    /// How much water it wants.
    #[default(1)]
    pub water: i32,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// How the backend answers for an object, by its name.
#[derive(Clone)]
pub enum Answer {
    Fail(&'static str),
    Terminal(&'static str),
    Defer(&'static str, Duration),
    NotFound,
    Panic(&'static str),
    Slow(Duration),
    Hang,
}

/// What really is there, and what was done.
#[derive(Clone, Default)]
pub struct Backend(Arc<Mutex<Inner>>);

#[derive(Default)]
pub struct Inner {
    pub log: Vec<String>,
    pub things: BTreeMap<String, String>,
    pub answers: BTreeMap<String, Answer>,
    pub in_calls: BTreeSet<String>,
    pub most_at_once: usize,
}

impl Backend {
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn answer(&self, name: &str, answer: Answer) {
        self.lock().answers.insert(name.to_owned(), answer);
    }

    pub fn heal(&self, name: &str) {
        self.lock().answers.remove(name);
    }

    /// What was done since the last call.
    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().log)
    }

    pub fn names(&self) -> Vec<String> {
        self.lock().things.values().cloned().collect()
    }

    async fn call(&self, verb: &str, name: &str, uid: &str) -> StepResult {
        let call = format!("{verb} {name}");
        let answer = {
            let mut inner = self.lock();
            inner.log.push(call.clone());
            assert!(inner.in_calls.insert(uid.to_owned()), "two calls for {name} at once");
            inner.most_at_once = inner.most_at_once.max(inner.in_calls.len());
            inner.answers.get(name).or_else(|| inner.answers.get(&call)).cloned()
        };
        // Dropped also when the call is given up, or panics.
        struct Leave(Backend, String);
        impl Drop for Leave {
            fn drop(&mut self) {
                self.0.lock().in_calls.remove(&self.1);
            }
        }
        let _leave = Leave(self.clone(), uid.to_owned());
        match answer {
            Some(Answer::Fail(message)) => return Err(StepError::transient(message)),
            Some(Answer::Terminal(message)) => return Err(StepError::terminal(message)),
            Some(Answer::Defer(message, after)) => return Err(StepError::deferred(message, after)),
            Some(Answer::NotFound) => return Err(StepError::not_found("no such thing")),
            Some(Answer::Panic(message)) => panic!("{message}"),
            Some(Answer::Slow(time)) => tokio::time::sleep(time).await,
            Some(Answer::Hang) => std::future::pending().await,
            None => tokio::task::yield_now().await,
        }
        let mut inner = self.lock();
        if verb == "delete" {
            inner.things.remove(uid);
        } else {
            inner.things.insert(uid.to_owned(), name.to_owned());
        }
        Ok(())
    }
}

macro_rules! step {
    ($step:ident, $model:ident, $($option:tt)*) => {
        /// A step that does what it is told.
        #[sync_step(provides = $model, synchronizer = "farm", $($option)*)]
        pub struct $step {
            backend: Backend,
        }

        #[async_trait]
        impl SyncStep for $step {
            async fn sync_record(&self, _: &Context, object: &mut $model) -> StepResult {
                self.backend.call("sync", &object.name, object.uid()).await?;
                object.backend_id = Some(format!("b-{}", object.name));
                Ok(())
            }

            async fn delete_record(&self, _: &Context, object: &$model) -> StepResult {
                self.backend.call("delete", &object.name, object.uid()).await
            }
        }
    };
}

step!(SyncFarms, Farm, interval = 3600);
step!(SyncFields, Field, interval = 3600);
step!(SyncCrops, Crop, interval = 3600, concurrency = 4, timeout = 2);

/// A database and a backend of its own.
pub struct World {
    pub folder: TempDir,
    pub db: Db,
    pub backend: Backend,
}

pub fn models() -> Registry {
    Registry::default().model::<Farm>().unwrap().model::<Field>().unwrap().model::<Crop>().unwrap()
}

/// All three steps.
pub fn registry() -> Registry {
    models()
        .step(SyncFarms::registration())
        .step(SyncFields::registration())
        .step(SyncCrops::registration())
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("goal.db").display().to_string();
        let db = Db::open(&url, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        Self { folder, db, backend: Backend::default() }
    }

    pub fn url(&self) -> String {
        self.folder.path().join("goal.db").display().to_string()
    }

    pub async fn synchronizer(&self) -> Synchronizer {
        self.synchronizer_with(registry()).await
    }

    pub async fn synchronizer_with(&self, registry: Registry) -> Synchronizer {
        Synchronizer::builder()
            .db(self.db.clone())
            .registry(registry)
            .backend(self.backend.clone())
            .backoff(Backoff { first: Duration::from_millis(40), longest: Duration::from_millis(80) })
            .build()
            .await
            .unwrap()
    }

    /// One pass.
    pub async fn pass(&self) -> Report {
        let pass = async { self.synchronizer().await.pass().await.unwrap() };
        tokio::time::timeout(Duration::from_secs(20), pass).await.expect("the pass does not end")
    }

    pub async fn status(&self) -> Status {
        status::read(&self.db, &registry()).await.unwrap()
    }

    /// The status without the steps, as people read it.
    pub async fn shown(&self) -> String {
        self.status().await.to_string()
    }

    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> diesel::QueryResult<T> + Send + 'static,
    ) -> T {
        self.db.write(work).await.unwrap()
    }

    pub async fn sql(&self, statement: &str) -> usize {
        let statement = statement.to_owned();
        self.run(move |conn| diesel::RunQueryDsl::execute(diesel::sql_query(&statement), conn)).await
    }

    pub async fn farm(&self, name: &str) -> Farm {
        let new = NewFarm::new(name);
        self.run(move |conn| new.insert(conn)).await
    }

    pub async fn field(&self, name: &str, farm: &Farm) -> Field {
        let new = NewField::new(name, farm.id);
        self.run(move |conn| new.insert(conn)).await
    }

    pub async fn crop(&self, name: &str, field: &Field) -> Crop {
        let new = NewCrop::new(name, field.id);
        self.run(move |conn| new.insert(conn)).await
    }

    pub async fn get<M: Model>(&self, id: Id<M>) -> M {
        Context::new(self.db.clone(), "test").get(id).await.unwrap()
    }
}
