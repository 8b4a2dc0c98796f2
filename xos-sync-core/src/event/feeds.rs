//! All feeds of a run, each in a task of its own.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    Event, Feed, Handle, Inbox,
    feed::{SharedFeed, keep},
    latch::Hints,
    probe::ProbeFeed,
};
use crate::db::{DatabaseUrl, Db, Engine};

/// What a run listens to: the database, its own [`Handle`], and the feeds that it was given.
/// They end when this is dropped.
pub(crate) struct Feeds {
    handle: Handle,
    _tasks: JoinSet<()>,
}

impl Feeds {
    /// Begins to listen. What was before is seen by the run's first questions.
    pub(crate) fn new(db: &Db, handle: &Handle, feeds: &[(SharedFeed, Inbox)]) -> Self {
        let mut tasks = JoinSet::new();
        if db.engine() == Engine::Sqlite {
            tasks.spawn(watch_commits(db, handle));
        }
        for (feed, inbox) in feeds {
            tasks.spawn(keep(feed.clone(), inbox.clone()));
        }
        Self { handle: handle.clone(), _tasks: tasks }
    }

    /// What was heard. Cancel safe.
    pub(crate) async fn next(&mut self) -> Hints {
        self.handle.hints().await
    }
}

/// Others' commits on the file, as they are noticed.
fn watch_commits(db: &Db, handle: &Handle) -> impl Future<Output = ()> + use<> {
    let (mut commits, to) = (db.others_commits(), handle.clone());
    async move {
        loop {
            commits.next().await;
            to.send(Event::Changed);
        }
    }
}

/// How a server's changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// By its notifications.
    Notifications,
    /// By a look each second.
    Probe,
}

/// The database's own feed, where it has one: it is one of those that the status shows.
pub(crate) fn database_feed(db: &Db, origin: &Arc<str>, notice: Notice) -> Option<Box<dyn Feed>> {
    match db.url() {
        #[cfg(feature = "postgres")]
        DatabaseUrl::Postgres(url) if notice == Notice::Notifications => {
            let (db, url, origin) = (db.clone(), url.clone(), origin.clone());
            Some(Box::new(super::postgres::PostgresFeed::new(db, url, origin)))
        }
        DatabaseUrl::Postgres(_) => Some(Box::new(ProbeFeed)),
        DatabaseUrl::Sqlite(_) => {
            let _ = (origin, notice);
            None
        }
    }
}
