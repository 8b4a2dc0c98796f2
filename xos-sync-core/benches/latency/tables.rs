//! A row that changes, and rows that keep the Synchronizer busy.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use diesel::{RunQueryDsl, sql_query};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use xos_sync_core::{
    Context, Outcome, Registry, Row, StepResult, SyncStep, Synchronizer,
    db::{Db, OpenMode},
    migrate, model, sync_step,
    synchronizer::Builder,
};

/// What changes.
#[model(table = probes)]
pub struct Probe {
    /// Its key.
    pub id: xos_sync_core::Id<Probe>,
    /// Its name.
    pub name: String,
}

/// What there is to do besides.
#[model(table = loads)]
pub struct Burden {
    /// Its key.
    pub id: xos_sync_core::Id<Burden>,
    /// Its name.
    pub name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    Idle,
    /// 10,000 rows, each of whose calls takes 5 ms.
    Pending,
}

impl Load {
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "",
            Self::Pending => ", 10,000 pending",
        }
    }
}

/// Tells when calls begin.
#[derive(Clone)]
pub struct Watch(mpsc::UnboundedSender<Instant>);

/// Tells when it is called.
#[sync_step(provides = Probe, interval = 86400, synchronizer = "latency")]
pub struct SyncProbes {
    watch: Watch,
}

impl SyncStep for SyncProbes {
    async fn sync_record(&self, _: &Context, _: &mut xos_sync_core::Row<Probe>) -> StepResult {
        self.watch.0.send(Instant::now())?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<Probe>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// Takes its time.
#[sync_step(provides = Burden, interval = 86400, synchronizer = "latency", concurrency = 8)]
pub struct SyncBurdens;

impl SyncStep for SyncBurdens {
    async fn sync_record(&self, _: &Context, _: &mut xos_sync_core::Row<Burden>) -> StepResult {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<Burden>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// A Synchronizer that runs.
pub struct Bench {
    pub db: Db,
    called: mpsc::UnboundedReceiver<Instant>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn registry() -> Registry {
    let models = Registry::default().model::<Probe>().unwrap().model::<Burden>().unwrap();
    models.step(SyncProbes::registration()).step(SyncBurdens::registration())
}

impl Bench {
    pub async fn start(url: &str, load: Load) -> Self {
        Self::start_with(url, load, |builder| builder).await
    }

    pub async fn start_with(url: &str, load: Load, with: impl FnOnce(Builder) -> Builder) -> Self {
        let db = Db::open(url, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        let (tell, called) = mpsc::unbounded_channel();
        let builder = Synchronizer::builder().db(db.clone()).registry(registry());
        let builder = builder.backend(Watch(tell)).safety_poll(Duration::from_secs(3600));
        let synchronizer = with(builder).build().await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            synchronizer.run(async { drop(stopped.await) }).await.unwrap();
        });
        let mut bench = Self { db, called, stop, task };
        bench.sql("INSERT INTO probes (name) VALUES ('probe')").await;
        bench.called().await;
        if load == Load::Pending {
            bench
                .sql(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                     INSERT INTO loads (name) SELECT 'load ' || i FROM n",
                )
                .await;
        }
        // What follows from that is over, or goes on as it will.
        tokio::time::sleep(Duration::from_millis(500)).await;
        bench
    }

    async fn sql(&self, statement: &'static str) {
        self.db.write(move |conn| sql_query(statement).execute(conn)).await.unwrap();
    }

    /// The identity of the row that changes.
    pub async fn uid(&self) -> String {
        let probes = self.db.run(|conn| Row::<Probe>::load(conn, "TRUE", 1)).await.unwrap();
        probes[0].uid().to_owned()
    }

    /// When the next call begins.
    pub async fn called(&mut self) -> Instant {
        let called = tokio::time::timeout(Duration::from_secs(60), self.called.recv()).await;
        called.expect("the change is never seen").unwrap()
    }

    pub async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

/// A schema of its own on the server.
pub fn schema(server: &str) -> String {
    let schema = format!("l{}", uuid::Uuid::new_v4().simple());
    let made =
        Command::new("psql").args(["-qc", &format!("CREATE SCHEMA {schema}"), server]).status();
    assert!(made.unwrap().success());
    format!("{server}?options=-csearch_path%3D{schema}")
}
