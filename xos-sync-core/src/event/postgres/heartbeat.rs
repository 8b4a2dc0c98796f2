//! Whether notifications come through: a process notifies itself, on a channel of its own.
//!
//! `LISTEN` succeeds also behind a pooler that gives the session to others. The notifications go with
//! the session then, and the connection hears nothing.

use std::time::Duration;

use diesel::{RunQueryDsl, sql_query, sql_types::Text};
use tokio::sync::watch;

use super::super::Inbox;
use crate::{
    db::{Db, ErrorClass},
    error::{Error, Result},
};

/// How often a heartbeat is sent, and again where it could not be sent.
const EVERY: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(1);

/// How long one that was sent may take while nothing else arrives.
const LATEST: Duration = Duration::from_secs(5);

const DEAF: &str = "notifications do not arrive although LISTEN was accepted, as behind a pooler in \
     transaction mode: let the pooler use session mode (PgBouncer: pool_mode = session), or write the URL \
     of the server itself";

const QUEUE_FULL: &str = "the server's notification queue is full, and commits that notify are refused: end \
     the session that listens and stays in a transaction (`SELECT pg_notification_queue_usage()`; the \
     server's log names its process)";

/// Sends heartbeats.
pub(super) struct Heartbeat {
    db: Db,
    channel: String,
    heard: watch::Receiver<Option<u64>>,
}

/// Where heartbeats arrive.
pub(super) struct Heard {
    channel: String,
    /// The last one; `None` until the channel is listened to.
    last: watch::Sender<Option<u64>>,
}

impl Heard {
    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    /// The channel is listened to.
    pub(super) fn subscribed(&self) {
        self.last.send_replace(Some(0));
    }

    pub(super) fn beat(&self, payload: &str) {
        if let Ok(number) = payload.parse() {
            self.last.send_replace(Some(number));
        }
    }
}

impl Heartbeat {
    pub(super) fn new(db: &Db, origin: &str) -> (Self, Heard) {
        let channel = format!("xos_sync_heartbeat.{origin}");
        let (last, heard) = watch::channel(None);
        (Self { db: db.clone(), channel: channel.clone(), heard }, Heard { channel, last })
    }

    /// Sends heartbeats until one does not come back, or cannot be sent because of the notifications; the
    /// feed is connected when the first one is back.
    pub(super) async fn beat(mut self, inbox: &Inbox) -> String {
        if self.heard.wait_for(Option::is_some).await.is_err() {
            // The thread has ended, and says why by itself.
            std::future::pending::<()>().await;
        }
        let (mut number, mut is_connected) = (0, false);
        loop {
            number += 1;
            match self.send(number).await {
                Ok(()) if !self.comes_back(number, inbox).await => return DEAF.into(),
                Ok(()) => {
                    if !is_connected {
                        is_connected = true;
                        inbox.connected();
                    }
                    tokio::time::sleep(EVERY).await;
                }
                Err(Error::Query(error))
                    if self.db.class_of(&error) == ErrorClass::NotifyQueueFull =>
                {
                    return QUEUE_FULL.into();
                }
                // That is no trouble of the notifications.
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    async fn send(&self, number: u64) -> Result<()> {
        let channel = self.channel.clone();
        let send = move |conn: &mut _| {
            sql_query("SELECT pg_notify($1, $2)")
                .bind::<Text, _>(channel)
                .bind::<Text, _>(number.to_string())
                .execute(conn)
        };
        self.db.run(send).await.map(drop)
    }

    /// A listener that has much to hear gets more time.
    async fn comes_back(&mut self, number: u64, inbox: &Inbox) -> bool {
        let arrived = || {
            let status = inbox.status();
            status.received + status.dropped
        };
        loop {
            let before = arrived();
            let is_back = |heard: &Option<u64>| *heard >= Some(number);
            match tokio::time::timeout(LATEST, self.heard.wait_for(is_back)).await {
                Ok(heard) => return heard.is_ok(),
                Err(_) if arrived() != before => {}
                Err(_) => return false,
            }
        }
    }
}
