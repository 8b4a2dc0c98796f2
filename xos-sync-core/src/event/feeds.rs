//! All feeds of a run, each in a task of its own.

use tokio::task::JoinSet;

use super::{
    Event, Handle, Inbox,
    feed::{SharedFeed, keep},
    latch::Hints,
};
use crate::db::Db;

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
        let (mut commits, to) = (db.others_commits(), handle.clone());
        tasks.spawn(async move {
            loop {
                commits.next().await;
                to.send(Event::Changed);
            }
        });
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
