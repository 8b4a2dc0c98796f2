//! Tells others of changes through a PubSub node.

use async_trait::async_trait;

use super::{XmppUrl, asking::ask_node, connect::connect, lost::Lost, session::Session};
use crate::event::{Change, FeedError, Publisher};

/// Publishes on a PubSub node, which is created where there is none and the account may do so.
///
/// # Guarantees
/// When [`Publisher::publish`] returns, the service has taken the change. A row has one item,
/// which its next change replaces where the node keeps items. A connection that was lost since
/// the last change is made again first.
///
/// # Errors
/// Why the service did not take the change: no server, no TLS, a wrong password, a service that
/// refuses, silence.
pub struct XmppPublisher {
    url: XmppUrl,
    session: Option<Session>,
}

impl XmppPublisher {
    /// For this node. Connects when there is something to publish.
    pub fn new(url: XmppUrl) -> Self {
        Self { url, session: None }
    }

    async fn tell(&mut self, change: &Change) -> Result<(), Lost> {
        // What was connected may have been lost while nobody used it.
        if let Some(mut session) = self.session.take() {
            match say(&mut session, &self.url, change).await {
                Ok(()) => {
                    self.session = Some(session);
                    return Ok(());
                }
                Err(declined @ Lost::Declined { .. }) => {
                    self.session = Some(session);
                    return Err(declined);
                }
                Err(lost) => tracing::debug!("connecting again: {lost}"),
            }
        }
        let mut session = connect(&self.url).await?;
        let said = say(&mut session, &self.url, change).await;
        if matches!(said, Ok(()) | Err(Lost::Declined { .. })) {
            self.session = Some(session);
        }
        said
    }
}

async fn say(session: &mut Session, url: &XmppUrl, change: &Change) -> Result<(), Lost> {
    ask_node(session, url, "publish", |id| url.publish(id, change)).await
}

#[async_trait]
impl Publisher for XmppPublisher {
    fn name(&self) -> String {
        format!("xmpp {} {}", self.url.service, self.url.node)
    }

    async fn publish(&mut self, change: &Change) -> Result<(), FeedError> {
        Ok(self.tell(change).await?)
    }
}
