//! Hears of changes by JetStream.

use std::{convert::Infallible, time::Duration};

use async_nats::jetstream::consumer::{
    AckPolicy, DeliverPolicy, PullConsumer,
    pull::{Config, MessagesErrorKind, Stream as Messages},
};
use async_trait::async_trait;
use futures_util::StreamExt;
use uuid::Uuid;

use super::{
    session::{Session, failure},
    subject,
    url::NatsUrl,
};
use crate::{
    error::Result,
    event::{Feed, FeedError, Inbox},
};

/// Messages that wait here at once: not many, for others' may be large.
const BATCH: usize = 64;
/// How often a server that has no messages says so; it is lost after the second silence.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long the server waits for an acknowledgement.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);
/// What cannot be acknowledged is delivered this often.
const DELIVERIES: i64 = 3;
/// When the server forgets a listener that has a name of its own.
const NAMED: Duration = Duration::from_secs(7 * 24 * 3600);
/// When it forgets one that has none: it cannot come back.
const NAMELESS: Duration = Duration::from_secs(3600);

/// Hears of changes by a NATS JetStream server, as a durable consumer of a stream.
///
/// The URL is `nats://USER:PASSWORD@HOST:PORT?stream=NAME&consumer=NAME`, or `tls://…`; a server
/// that knows tokens has `TOKEN@HOST`. `PORT` is 4222 unless written.
///
/// - `stream`: made when it is not there, with subjects `xos-sync.STREAM.MODEL.UID`, of each of
///   which the last message is kept: a row that changes often is one event. It keeps 64 MiB and a
///   week at most. A stream that is there already stays as it is.
/// - `consumer`: what the server remembers this listener by, for a week after it was last seen;
///   what is published while the listener is away is delivered when it is back. Every process
///   needs all events, so **each needs a name of its own**: two that share one each get a part
///   of the events. Without it, every `NatsFeed` takes a name that nobody else has and keeps it as
///   long as it lives; what is published between two lives is found in the database, as it is
///   with every feed.
///
/// # Guarantees
/// Each message is acknowledged after it was delivered; one that is no change is counted as
/// dropped, and acknowledged too.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use xos_sync_core::{Synchronizer, event::NatsFeed};
///
/// let feed = NatsFeed::new("nats://me:secret@bus.example.org?stream=cloud&consumer=ec2-1")?;
/// let synchronizer = Synchronizer::builder()
///     .database("sqlite:///var/lib/cloud/goal.db")
///     .feed(feed)
///     .build()
///     .await?;
/// synchronizer.run(async { drop(tokio::signal::ctrl_c().await) }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NatsFeed {
    url: NatsUrl,
    consumer: String,
    forgotten_after: Duration,
}

impl NatsFeed {
    /// Listens there; connects once it runs.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage): what is wrong with the URL.
    pub fn new(url: &str) -> Result<Self> {
        let url = NatsUrl::parse(url)?;
        let (consumer, forgotten_after) = match url.consumer.clone() {
            Some(name) => (name, NAMED),
            None => (format!("xos-sync-{}", Uuid::new_v4().simple()), NAMELESS),
        };
        Ok(Self { url, consumer, forgotten_after })
    }

    async fn consumer(&self, session: &Session) -> Result<PullConsumer, FeedError> {
        let config = Config {
            durable_name: Some(self.consumer.clone()),
            description: Some("a listener of xos-sync".into()),
            // What was before is found in the database.
            deliver_policy: DeliverPolicy::New,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACKNOWLEDGED_WITHIN,
            max_deliver: DELIVERIES,
            filter_subject: subject::all(&self.url.stream),
            inactive_threshold: self.forgotten_after,
            ..Config::default()
        };
        let stream = session.stream(&self.url).await?;
        stream
            .get_or_create_consumer(&self.consumer, config)
            .await
            .map_err(|error| failure(&format!("cannot use the consumer {}", self.consumer), &error))
    }

    async fn hear(&self, session: &Session, inbox: &Inbox) -> Result<Infallible, FeedError> {
        let consumer = self.consumer(session).await?;
        let mut messages = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| failure("cannot listen", &error))?;
        // From here on the server keeps what is published.
        inbox.connected();
        loop {
            deliver(&mut messages, &consumer, inbox).await?;
        }
    }
}

/// Waits for one message and delivers it.
async fn deliver(
    messages: &mut Messages,
    consumer: &PullConsumer,
    inbox: &Inbox,
) -> Result<(), FeedError> {
    let error = match messages.next().await {
        Some(Ok(message)) => {
            inbox.receive(&message.payload);
            return message
                .ack()
                .await
                .map_err(|error| format!("cannot acknowledge: {error}").into());
        }
        Some(Err(error)) => error,
        None => return Err("the server delivers no more".into()),
    };
    match error.kind() {
        // Anybody's message may have a header that makes it look like the server's own answer.
        // It is so only if the server does not know of the consumer.
        MessagesErrorKind::NoResponders | MessagesErrorKind::Other => {
            consumer.get_info().await.map_err(|error| failure("cannot listen", &error))?;
            inbox.receive(&[]);
            Ok(())
        }
        _ => Err(failure("cannot listen", &error)),
    }
}

#[async_trait]
impl Feed for NatsFeed {
    fn name(&self) -> String {
        self.url.name()
    }

    async fn listen(&mut self, inbox: &Inbox) -> Result<Infallible, FeedError> {
        let session = Session::open(&self.url).await?;
        session.loss.clone().or(self.hear(&session, inbox)).await
    }
}
