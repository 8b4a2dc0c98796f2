//! Publishes changes by JetStream.

use async_trait::async_trait;

use super::{session::Session, subject, url::NatsUrl};
use crate::{
    error::Result,
    event::{Change, FeedError, Publisher},
};

/// Publishes changes to a stream of a NATS JetStream server, for each [`NatsFeed`] of it.
///
/// The URL is that of [`NatsFeed`]; `consumer` means nothing here. The stream is made when it is
/// not there.
///
/// # Guarantees
/// When a change is published, the server has stored it.
///
/// [`NatsFeed`]: super::NatsFeed
#[derive(Debug)]
pub struct NatsPublisher {
    url: NatsUrl,
    session: Option<Session>,
}

impl NatsPublisher {
    /// Publishes there; connects with the first change.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage): what is wrong with the URL.
    pub fn new(url: &str) -> Result<Self> {
        Ok(Self { url: NatsUrl::parse(url)?, session: None })
    }

    async fn connect(&self) -> Result<Session, FeedError> {
        let session = Session::open(&self.url).await?;
        session.loss.clone().or(session.stream(&self.url)).await?;
        Ok(session)
    }

    /// Keeps the connection when it was of use.
    async fn store(&mut self, session: Session, change: &Change) -> Result<(), FeedError> {
        let subject = subject::of(&self.url.stream, change);
        session.loss.clone().or(session.store(subject, change.to_json())).await?;
        self.session = Some(session);
        Ok(())
    }
}

#[async_trait]
impl Publisher for NatsPublisher {
    fn name(&self) -> String {
        self.url.name()
    }

    async fn publish(&mut self, change: &Change) -> Result<(), FeedError> {
        if Change::parse(change.to_json().as_bytes()).is_none() {
            // To try it again would hold up all that come after it.
            tracing::warn!(model = %change.model.escape_debug(), "not published: nobody would read it");
            return Ok(());
        }
        // A connection that has stood for a while may be lost without anybody having noticed.
        if let Some(session) = self.session.take()
            && !session.loss.has_come()
            && self.store(session, change).await.is_ok()
        {
            return Ok(());
        }
        let session = self.connect().await?;
        self.store(session, change).await
    }
}
