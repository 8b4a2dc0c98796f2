//! In place of notifications: a look each second.

use std::{convert::Infallible, time::Duration};

use async_trait::async_trait;

use super::{Event, Feed, FeedError, Inbox};

/// How often the database is asked whether anything is pending: one cheap query for all models.
const EVERY: Duration = Duration::from_secs(1);

/// For a database whose notifications are switched off.
pub(super) struct ProbeFeed;

#[async_trait]
impl Feed for ProbeFeed {
    fn name(&self) -> String {
        "postgres probe".into()
    }

    async fn listen(&mut self, inbox: &Inbox) -> Result<Infallible, FeedError> {
        inbox.connected();
        loop {
            tokio::time::sleep(EVERY).await;
            inbox.send(Event::Changed);
        }
    }
}
