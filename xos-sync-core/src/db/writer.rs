//! Group commit, and the watch for others' commits.
//!
//! What many tasks write at the same time becomes one transaction. Between transactions the
//! same connection asks the database whether somebody else has committed: SQLite does not
//! count a connection's own commits, so a Synchronizer's stamps do not wake itself.
//!
//! **Invariant:** a write's answer is sent only after the transaction that holds it is
//! committed, and a write that fails leaves nothing behind. A lock of somebody else's holds up
//! the writes that need it, for a while, and no others. Where a server went away before it
//! answered a COMMIT, it is asked afterwards what became of the transaction.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
    sql_types::BigInt,
};
use tokio::sync::{oneshot, watch};

use super::{
    AnyConnection, DatabaseUrl, Engine,
    error_class::{ErrorClass, Messages},
    health::Health,
    held::{Held, OnLock},
    session::WriterSession,
    transaction::{Commit, in_transaction},
};
use crate::error::{Error, Result};

/// Writes taken into one transaction at the most.
const MOST: usize = 256;

/// How long a write that can be held waits for a lock when it is tried alone.
const GLANCE: &str = "SET LOCAL lock_timeout = '1ms'";

/// Nothing that writes a notification may do so in this transaction.
const SILENT: &str = "SET LOCAL xos_sync.notifications = 'off'";

/// How often the database is asked for others' commits. One question costs about 1 µs.
const WATCH_EVERY: Duration = Duration::from_millis(5);

/// Who writes: for whom a write is no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    /// News for all.
    Anybody,
    /// A Synchronizer of this process: news for the others.
    Synchronizer(u64),
}

/// Commits so far, by who made them. Those of other programs are anybody's.
pub(super) type News = BTreeMap<Source, u64>;

/// The handle of the thread that owns the writing connection. The thread ends when the last
/// handle is dropped.
pub(super) struct Writer {
    queue: Sender<Box<dyn Write>>,
    changes: watch::Receiver<News>,
    messages: watch::Receiver<Messages>,
}

impl Writer {
    pub(super) fn start(
        url: DatabaseUrl,
        connection: AnyConnection,
        health: Arc<Health>,
    ) -> std::io::Result<Self> {
        let (queue, writes) = channel();
        let (news, changes) = watch::channel(News::new());
        let generation = health.generation();
        let session = WriterSession::new(url, connection, health.clone());
        let messages = session.language();
        let (seen, asked, held) = (None, Instant::now(), Held::default());
        let thread = WriterThread { session, health, generation, news, seen, asked, held };
        thread::Builder::new()
            .name("xos-sync-writer".into())
            .spawn(move || thread.serve(&writes))?;
        Ok(Self { queue, changes, messages })
    }

    pub(super) fn changes(&self) -> watch::Receiver<News> {
        self.changes.clone()
    }

    /// In which language the database answers.
    pub(super) fn messages(&self) -> Messages {
        *self.messages.borrow()
    }

    pub(super) async fn write<T, F>(&self, work: F, source: Source, on_lock: OnLock) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let write = Waiting { work, source, on_lock, result: None, answer };
        self.queue.send(Box::new(write)).map_err(|_| Error::Closed)?;
        Ok(answered.await.map_err(|_| Error::Closed)??)
    }
}

/// A write of any type, with the task that waits for it.
pub(super) trait Write: Send {
    fn source(&self) -> Source;
    fn on_lock(&self) -> OnLock;
    fn run(&mut self, connection: &mut AnyConnection) -> QueryResult<()>;
    fn committed(self: Box<Self>);
    fn failed(self: Box<Self>, error: diesel::result::Error);
}

struct Waiting<T, F> {
    work: F,
    source: Source,
    on_lock: OnLock,
    result: Option<T>,
    answer: oneshot::Sender<QueryResult<T>>,
}

impl<T, F> Write for Waiting<T, F>
where
    T: Send,
    F: FnMut(&mut AnyConnection) -> QueryResult<T> + Send,
{
    fn source(&self) -> Source {
        self.source
    }

    fn on_lock(&self) -> OnLock {
        self.on_lock
    }

    fn run(&mut self, connection: &mut AnyConnection) -> QueryResult<()> {
        self.result = Some((self.work)(connection)?);
        Ok(())
    }

    fn committed(self: Box<Self>) {
        let Self { work, result, answer, .. } = *self;
        // First, so that whoever gets the answer is the only owner of what the closure shared.
        drop(work);
        if let Some(result) = result {
            // Nobody waits any more when the task was cancelled; the write holds all the same.
            let _ = answer.send(Ok(result));
        }
    }

    fn failed(self: Box<Self>, error: diesel::result::Error) {
        let Self { work, answer, .. } = *self;
        drop(work);
        let _ = answer.send(Err(error));
    }
}

struct WriterThread {
    session: WriterSession,
    health: Arc<Health>,
    /// That of the connections when others' commits were last looked for.
    generation: u64,
    news: watch::Sender<News>,
    seen: Option<i64>,
    asked: Instant,
    /// Writes that need a lock which somebody else has.
    held: Held,
}

#[derive(QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

impl WriterThread {
    fn serve(mut self, writes: &Receiver<Box<dyn Write>>) {
        loop {
            match writes.recv_timeout(WATCH_EVERY) {
                Ok(first) => {
                    let mut group = vec![first];
                    group.extend(writes.try_iter().take(MOST - 1));
                    self.commit_group(group);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.asked.elapsed() >= WATCH_EVERY {
                self.look_for_others();
            }
            self.try_held();
            self.session.check();
        }
    }

    fn look_for_others(&mut self) {
        self.asked = Instant::now();
        // No answer: the file cannot be read just now. The safety poll goes on all the same.
        // A server tells by itself.
        let generation = self.health.generation();
        if self.generation != generation {
            // Whatever this server or file holds.
            self.generation = generation;
            self.seen = None;
            self.tell([Source::Anybody]);
        }
        let Some(connection) = self.session.current() else { return };
        if connection.engine() != Engine::Sqlite {
            return;
        }
        let version = sql_query("PRAGMA data_version")
            .get_result::<DataVersion>(connection)
            .ok()
            .map(|row| row.data_version);
        if version.is_some() && self.seen != version {
            if self.seen.is_some() {
                self.tell([Source::Anybody]);
            }
            self.seen = version;
        }
    }

    fn tell(&self, sources: impl IntoIterator<Item = Source>) {
        self.news.send_modify(|news| {
            for source in sources {
                *news.entry(source).or_default() += 1;
            }
        });
    }

    fn commit_group(&mut self, mut group: Vec<Box<dyn Write>>) {
        if self.commit(&mut group).is_ok() {
            self.answer(group);
            return;
        }
        // One of them failed: each goes alone, so that only that one does.
        for write in group {
            // What can be tried again later waits for no lock now.
            let first = if write.on_lock() == OnLock::Wait { GLANCE } else { "" };
            let mut alone = vec![write];
            match self.commit_after(first, &mut alone) {
                Ok(()) => self.answer(alone),
                Err(error) => {
                    // An error cannot be cloned, and there is one write for it.
                    if let Some(write) = alone.pop() {
                        self.held.take(write, error, self.session.messages());
                    }
                }
            }
        }
    }

    /// Writes what was held up before, each alone, with no more than a glance at its locks.
    fn try_held(&mut self) {
        let mut round = self.held.round();
        while let Some((write, since)) = self.held.next(&mut round) {
            let mut alone = vec![write];
            match self.commit_after(GLANCE, &mut alone) {
                Ok(()) => self.answer(alone),
                Err(error) => {
                    if let Some(write) = alone.pop() {
                        self.held.take_again(write, since, error, self.session.messages());
                    }
                }
            }
        }
    }

    fn answer(&self, group: Vec<Box<dyn Write>>) {
        self.tell(group.iter().map(|write| write.source()).collect::<BTreeSet<_>>());
        group.into_iter().for_each(|write| write.committed());
    }

    fn commit(&mut self, group: &mut [Box<dyn Write>]) -> QueryResult<()> {
        self.commit_after("", group)
    }

    fn commit_after(&mut self, first: &str, group: &mut [Box<dyn Write>]) -> QueryResult<()> {
        match self.try_commit(first, group) {
            Err(error) if self.session.class_of(&error) == ErrorClass::NotifyQueueFull => {
                tracing::warn!(
                    "the server's notification queue is full: written without notifications"
                );
                self.session.queue_is_full();
                self.try_commit(&format!("{first};{SILENT}"), group)
            }
            outcome => outcome,
        }
    }

    fn try_commit(&mut self, first: &str, group: &mut [Box<dyn Write>]) -> QueryResult<()> {
        let outcome = in_transaction(self.session.connection()?, |connection| {
            if !first.is_empty() && connection.engine() == Engine::Postgres {
                connection.batch_execute(first)?;
            }
            group.iter_mut().try_for_each(|write| run_caught(&mut **write, connection))
        });
        match outcome {
            Commit::Done => Ok(()),
            Commit::Failed(error) => {
                self.session.failed(&error);
                Err(error)
            }
            Commit::Unknown(transaction, error) => {
                self.session.lost();
                if self.session.has_committed(&transaction) { Ok(()) } else { Err(error) }
            }
        }
    }
}

/// A panic in one closure must not take the thread, and with it everybody's writes, down.
fn run_caught(write: &mut dyn Write, connection: &mut AnyConnection) -> QueryResult<()> {
    std::panic::catch_unwind(AssertUnwindSafe(|| write.run(connection))).unwrap_or_else(|_| {
        Err(diesel::result::Error::QueryBuilderError("the writing closure panicked".into()))
    })
}
