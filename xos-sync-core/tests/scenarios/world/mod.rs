//! A database, a backend and a clock for each test, and a Synchronizer between them.

mod backend;
mod database;
mod models;

use std::{
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};
use xos_sync_core::{
    Context, Id, Micros, Model, Registry, Report, Row, Synchronizer,
    db::{AnyConnection, Db, OpenMode},
    event::Handle,
    migrate,
    schedule::Backoff,
    status::{self, Status},
    synchronizer::Builder,
};

pub use backend::{Answer, Backend, Gate};
pub use database::{Database, not_unique};
pub(crate) use models::step;
pub use models::{
    Crop, Farm, Field, NewCrop, NewFarm, NewField, SyncCrops, SyncFarms, SyncFields,
    hasty_registry, models, registry,
};

/// Longer than anything takes here, so that what hangs fails.
const LONGEST: Duration = Duration::from_secs(30);

/// The wait after the first failure, and the longest.
pub const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// A database, a backend and a clock of its own.
pub struct World {
    database: Database,
    pub folder: TempDir,
    pub db: Db,
    pub backend: Backend,
    registry: fn() -> Registry,
    /// Its Synchronizers' time, in microseconds; it stands still.
    time: Arc<AtomicI64>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl World {
    /// With the three models and their steps.
    pub async fn new() -> Self {
        Self::of(registry).await
    }

    /// With the models and steps of this registry.
    pub async fn of(registry: fn() -> Registry) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path());
        let db = Db::open(&database.url, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        let time = Arc::new(AtomicI64::new(Micros::now().0));
        Self { database, folder, db, backend: Backend::default(), registry, time }
    }

    pub fn url(&self) -> String {
        self.database.url.clone()
    }

    /// Puts the Synchronizers' clock ahead.
    pub fn skip(&self, time: Duration) {
        self.time.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }

    pub fn now(&self) -> Micros {
        Micros(self.time.load(Ordering::Relaxed))
    }

    /// What all Synchronizers here begin with. Only events wake them, not time.
    pub fn builder(&self) -> Builder {
        let time = Arc::clone(&self.time);
        Synchronizer::builder()
            .db(self.db.clone())
            .registry((self.registry)())
            .backend(self.backend.clone())
            .backoff(BACKOFF)
            .clock(move || Micros(time.load(Ordering::Relaxed)))
            .safety_poll(Duration::from_secs(3600))
    }

    pub async fn synchronizer(&self) -> Synchronizer {
        self.builder().build().await.unwrap()
    }

    /// One pass of a new Synchronizer.
    pub async fn pass(&self) -> Report {
        in_time("the end of the pass", async { self.synchronizer().await.pass().await.unwrap() })
            .await
    }

    /// Runs a Synchronizer in the background.
    pub async fn start(&self) -> Running {
        Running::start(self.synchronizer().await)
    }

    pub async fn status(&self) -> Status {
        status::read(&self.db, &(self.registry)()).await.unwrap()
    }

    /// The status, as people read it, without the steps that no process serves just now.
    pub async fn shown(&self) -> String {
        let mut status = self.status().await;
        status.steps.iter_mut().for_each(|step| step.unserved_since = None);
        status.to_string()
    }

    /// What the status says of objects that are not in line and of steps, without times.
    pub async fn troubles(&self) -> Vec<String> {
        let shown = self.shown().await;
        let lines = shown.lines().filter(|line| line.contains("(#") || line.starts_with("step "));
        lines
            .map(|line| match (line.find(", next try "), line.find(" UTC)")) {
                (Some(from), Some(to)) => format!("{}{}", &line[..from], &line[to + 4..]),
                _ => line.to_owned(),
            })
            .collect()
    }

    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> T {
        self.db.write(work).await.unwrap()
    }

    pub async fn sql(&self, statement: &str) -> usize {
        self.try_sql(statement).await.unwrap()
    }

    pub async fn try_sql(&self, statement: &str) -> Result<usize, String> {
        let statement = statement.to_owned();
        self.db
            .write(move |conn| sql_query(&statement).execute(conn))
            .await
            .map_err(|error| error.to_string())
    }

    /// The rows of a query, as text (truth as 1 and 0): `world.ask("name", "FROM farms ORDER BY id")`.
    pub async fn ask(&self, what: &str, of: &str) -> Vec<String> {
        let query = format!("SELECT coalesce(CAST(({what}) AS TEXT), 'NULL') AS line {of}");
        let lines: Vec<Line> = self.db.run(move |conn| sql_query(&query).load(conn)).await.unwrap();
        let plain = |line: String| match line.as_str() {
            "true" => "1".into(),
            "false" => "0".into(),
            _ => line,
        };
        lines.into_iter().map(|line| plain(line.line)).collect()
    }

    /// Runs SQL in the program `sqlite3` or `psql`, as a person or a script does.
    pub fn shell(&self, sql: &str) -> String {
        let output = self.try_shell(sql);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the shell failed on {sql}: {errors}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// A trigger of somebody else's: `BEFORE UPDATE ON farms`, when, and why it refuses.
    pub fn trigger(&self, event: &str, when: &str, why: &str) {
        self.shell(&database::trigger(event, when, why));
    }

    pub fn try_shell(&self, sql: &str) -> Output {
        self.database.shell(sql)
    }

    pub async fn farm(&self, name: &str) -> Row<Farm> {
        let new = NewFarm::new(name);
        self.run(move |conn| new.insert(conn)).await
    }

    pub async fn field(&self, name: &str, farm: &Farm) -> Row<Field> {
        let new = NewField::new(name, farm.id);
        self.run(move |conn| new.insert(conn)).await
    }

    pub async fn crop(&self, name: &str, field: &Field) -> Row<Crop> {
        let new = NewCrop::new(name, field.id);
        self.run(move |conn| new.insert(conn)).await
    }

    pub async fn get<M: Model>(&self, id: Id<M>) -> Row<M> {
        Context::new(self.db.clone(), "test").get(id).await.unwrap()
    }
}

/// A Synchronizer in the background.
pub struct Running {
    pub handle: Handle,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start(synchronizer: Synchronizer) -> Self {
        Self::of(Arc::new(synchronizer))
    }

    /// One that the test goes on asking.
    pub fn of(synchronizer: Arc<Synchronizer>) -> Self {
        let handle = synchronizer.handle();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            synchronizer.run(async { drop(stopped.await) }).await.unwrap();
        });
        Self { handle, stop, task }
    }

    /// Asks it to stop; the task ends when what was begun has.
    pub fn ask_to_stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.task
    }

    /// Stops it, and waits until it has.
    pub async fn stop(self) {
        in_time("the shutdown", self.ask_to_stop()).await.unwrap();
    }
}

/// Of the rows of a table, with the bookkeeping beside them, which is called `s`.
pub fn living(table: &str) -> String {
    format!("FROM {table} JOIN {table}_sync AS s ON s.object_id = {table}.id AND NOT s.deleted")
}

/// Of the rows whose goal is applied, in the order of their names.
pub fn in_line(table: &str) -> String {
    format!("{} WHERE enacted = updated ORDER BY name", living(table))
}

/// Waits for something that must come.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LONGEST, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} does not come"),
    }
}

/// Waits until it holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    in_time(what, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    })
    .await;
}
