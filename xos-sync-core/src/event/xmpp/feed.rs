//! Hears of changes from a PubSub node.

use std::convert::Infallible;

use async_trait::async_trait;
use tokio_xmpp::{
    Stanza,
    parsers::presence::{Presence, Type},
};

use super::{XmppUrl, asking::ask_node, connect::connect, lost::Lost, node::News};
use crate::event::{Feed, FeedError, Inbox};

/// Listens to a PubSub node, which is created where there is none and the account may do so.
///
/// Several may share an account. Publishers that use another account must be allowed to publish
/// by the node's owner, which is who came first.
///
/// # Guarantees
/// Items that hold no change, whoever published them, are counted and dropped. A connection that
/// is dead without having been closed is noticed within 20 seconds.
///
/// # Errors
/// [`Feed::listen`] ends with the reason why the connection could not be made or was lost: no
/// server, no TLS, a wrong password, a service that refuses, silence. A wrong password is tried
/// again, as slowly as the framework does, since it may be corrected on the server.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use xos_sync_core::{Synchronizer, event::XmppFeed};
///
/// let address = "xmpp://bot:s3cret@example.org/pubsub.example.org?node=changes";
/// let feed = XmppFeed::new(address.parse()?);
/// let synchronizer = Synchronizer::builder().database("sqlite://goal.db").feed(feed).build().await?;
/// synchronizer.run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct XmppFeed {
    url: XmppUrl,
}

impl XmppFeed {
    /// For this node. Connects when it is listened to.
    pub fn new(url: XmppUrl) -> Self {
        Self { url }
    }

    async fn deliver(&self, inbox: &Inbox) -> Result<Infallible, Lost> {
        let mut session = connect(&self.url).await?;
        // Without presence the server has nobody to send messages to.
        session.tell(Presence::new(Type::None)).await?;
        let url = &self.url;
        ask_node(&mut session, url, "subscribe", |id| url.subscribe(id)).await?;
        inbox.connected();
        loop {
            match session.hear().await {
                Ok(heard) => self.receive(heard.as_ref(), inbox)?,
                Err(lost) => {
                    if matches!(lost, Lost::Unreadable(_)) {
                        inbox.receive(&[]);
                    }
                    return Err(lost);
                }
            }
        }
    }

    fn receive(&self, heard: Option<&Stanza>, inbox: &Inbox) -> Result<(), Lost> {
        let message = match heard {
            Some(Stanza::Message(message)) => message,
            // Who else is there, and late answers.
            Some(_) => return Ok(()),
            None => {
                inbox.receive(&[]);
                return Ok(());
            }
        };
        match self.url.news(message) {
            News::Items(texts) => texts.iter().for_each(|text| inbox.receive(text.as_bytes())),
            News::Foreign => inbox.receive(&[]),
            News::Nothing => {}
            News::Gone(why) => return Err(Lost::NoNode(why)),
        }
        Ok(())
    }
}

#[async_trait]
impl Feed for XmppFeed {
    fn name(&self) -> String {
        format!("xmpp {} {}", self.url.service, self.url.node)
    }

    async fn listen(&mut self, inbox: &Inbox) -> Result<Infallible, FeedError> {
        Ok(self.deliver(inbox).await?)
    }
}
