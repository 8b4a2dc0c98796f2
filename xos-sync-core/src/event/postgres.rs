//! PostgreSQL's own notifications, which the triggers send with each commit.
//!
//! A thread looks at the connection once each millisecond, because neither diesel nor safe Rust
//! gives out the socket to wait on. That costs well under one part in a hundred of a core.

mod crowd;
mod heartbeat;

use std::{
    convert::Infallible,
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
    sql_types::Text,
};
use tokio::sync::oneshot;

use self::{
    crowd::Crowd,
    heartbeat::{Heard, Heartbeat},
};
use super::{Event, Feed, FeedError, Inbox, RowKey};
use crate::db::{Db, ServerUrl, postgres::establish};

/// How often the connection is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// How long it hears those of a crowd without a break, and the break, in which the server has one too:
/// what really changes needs the cores.
const BREAK: Duration = Duration::from_millis(1);

/// How often the server is asked whether it is still there.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Listens to the database's notifications.
pub(crate) struct PostgresFeed {
    db: Db,
    url: ServerUrl,
    /// Who this is: its own stamps are no news.
    origin: Arc<str>,
}

#[derive(QueryableByName)]
struct Channel {
    #[diesel(sql_type = Text)]
    channel: String,
}

impl PostgresFeed {
    pub(crate) fn new(db: Db, url: ServerUrl, origin: Arc<str>) -> Self {
        Self { db, url, origin }
    }
}

#[async_trait]
impl Feed for PostgresFeed {
    fn name(&self) -> String {
        "postgres notifications".into()
    }

    async fn listen(&mut self, inbox: &Inbox) -> Result<Infallible, FeedError> {
        let mut health = self.db.health().watch();
        let mut trouble = self.db.trouble();
        while let Some(reason) = trouble {
            inbox.lost(&reason.message.into());
            trouble = health.next().await;
        }
        let (tell, told) = oneshot::channel();
        let (heartbeat, heard) = Heartbeat::new(&self.db, &self.origin);
        let (url, origin, inbox) = (self.url.clone(), self.origin.clone(), inbox.clone());
        let to = inbox.clone();
        // The thread ends when this future is dropped.
        let wanted = Arc::new(());
        let still_wanted = Arc::downgrade(&wanted);
        thread::Builder::new().name("xos-sync-listen".into()).spawn(move || {
            let _ = tell.send(listen(&url, &origin, &to, &heard, &still_wanted));
        })?;
        let reason = tokio::select! {
            told = told => told.unwrap_or_else(|_| "the listening thread ended".into()),
            reason = health.ended() => reason,
            reason = heartbeat.beat(&inbox) => reason,
        };
        drop(wanted);
        Err(reason.into())
    }
}

/// Listens until the connection is lost, or nobody wants to hear any more; why.
fn listen(
    url: &ServerUrl,
    origin: &str,
    inbox: &Inbox,
    heard: &Heard,
    wanted: &Weak<()>,
) -> String {
    let mut connection = match establish(url.reveal()) {
        Ok(connection) => connection,
        Err(reason) => return reason,
    };
    if let Err(error) = subscribe(&mut connection, heard) {
        return error.to_string();
    }
    heard.subscribed();
    let (mut asked, mut crowd) = (Instant::now(), Crowd::new(Instant::now()));
    while wanted.strong_count() > 0 {
        if let Err(error) = hear_out(&mut connection, origin, inbox, heard, &mut crowd, wanted) {
            return error.to_string();
        }
        if let Some(skipped) = crowd.take_skipped(Instant::now()) {
            inbox.changed_often(skipped);
        }
        if asked.elapsed() > ASK_EVERY {
            asked = Instant::now();
            if let Err(error) = connection.batch_execute("SELECT 1") {
                return error.to_string();
            }
        }
        thread::sleep(LOOK_EVERY);
    }
    "nobody listens any more".into()
}

/// Hears all that the server has said until now.
fn hear_out(
    connection: &mut PgConnection,
    origin: &str,
    inbox: &Inbox,
    heard: &Heard,
    crowd: &mut Crowd,
    wanted: &Weak<()>,
) -> diesel::QueryResult<()> {
    let mut rested = Instant::now();
    for notification in connection.notifications_iter() {
        let (notification, now) = (notification?, Instant::now());
        let payload = notification.payload;
        if notification.channel == heard.channel() {
            heard.beat(&payload);
        } else if payload == MEMBERS || crowd.hears(now) {
            hear(&payload, origin, inbox);
        } else if now - rested > BREAK {
            thread::sleep(BREAK);
            rested = Instant::now();
        }
        if let Some(skipped) = crowd.take_skipped(now) {
            inbox.changed_often(skipped);
            if wanted.strong_count() == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn subscribe(connection: &mut PgConnection, heard: &Heard) -> diesel::QueryResult<()> {
    let channel: Channel =
        sql_query("SELECT quote_ident(left('xos_sync.' || current_schema(), 63)) AS channel")
            .get_result(connection)?;
    let own = heard.channel();
    connection.batch_execute(&format!("LISTEN {}; LISTEN \"{own}\"", channel.channel))
}

/// What a process says that has come, left, or given something away.
const MEMBERS: &str = "!";

fn hear(payload: &str, origin: &str, inbox: &Inbox) {
    if payload == MEMBERS {
        return inbox.send(Event::MembersChanged);
    }
    match Notification::parse(payload) {
        Some(Notification { from: Some(from), .. }) if from == origin => {}
        Some(notification) => inbox.send(notification.into_event()),
        None => inbox.receive(payload.as_bytes()),
    }
}

/// `TABLE`, `TABLE ID` or `+ORIGIN TABLE ID,ID,…`: what a trigger tells, and what a stamp does.
struct Notification<'a> {
    from: Option<&'a str>,
    table: &'a str,
    ids: Vec<i64>,
}

impl<'a> Notification<'a> {
    fn parse(payload: &'a str) -> Option<Self> {
        let mut words = payload.split(' ').peekable();
        let from = words.next_if(|word| word.starts_with('+')).map(|word| &word[1..]);
        let table = words.next().filter(|word| !word.is_empty())?;
        let ids: Option<Vec<i64>> = match words.next() {
            Some(ids) => ids.split(',').map(|id| id.parse().ok()).collect(),
            None => Some(Vec::new()),
        };
        words.next().is_none().then_some(Self { from, table, ids: ids? })
    }

    fn into_event(self) -> Event {
        let table = self.table.to_owned();
        match (self.from, &self.ids[..]) {
            (Some(_), [_, ..]) => Event::Enacted { table, ids: self.ids },
            (None, [id]) => Event::RowChanged { table, row: RowKey::Id(*id) },
            _ => Event::ModelChanged { table },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: &str) -> Option<Event> {
        Notification::parse(payload).map(Notification::into_event)
    }

    #[test]
    fn what_triggers_and_stamps_tell_is_understood() {
        let table = || "farms".to_owned();
        assert_eq!(event("farms"), Some(Event::ModelChanged { table: table() }));
        let row = RowKey::Id(7);
        assert_eq!(event("farms 7"), Some(Event::RowChanged { table: table(), row }));
        let ids = vec![1, 2];
        assert_eq!(event("+me farms 1,2"), Some(Event::Enacted { table: table(), ids }));
        assert_eq!(event("+me farms"), Some(Event::ModelChanged { table: table() }));
    }

    #[test]
    fn what_others_say_on_the_channel_is_no_event() {
        for payload in ["", "+me", "farms x", "farms 1 2", "farms 99999999999999999999", " "] {
            assert_eq!(event(payload), None, "{payload}");
        }
    }
}
