//! Who shares the work of a Synchronizer on a server, and whose rows are whose (contract C11).
//!
//! Each process is a member with a lease, and members hold shards of the rows. One that no
//! longer renews its lease is struck out, and its shards are free; one that lives gives a shard
//! away only when it has none of its rows in hand.
//!
//! **Invariant:** whoever is struck out cannot stamp any more: `journal::may_write` is asked in the
//! transaction of each stamp, and holds the member's row until its commit. All other changes
//! here are made one process at a time. Times are the server's.

mod lease;
mod place;

use std::{collections::BTreeMap, fmt, time::Duration};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text},
};

use crate::{
    db::{AnyConnection, Engine},
    journal::{self, Owner},
    model::ModelInfo,
    shard::{self, Shards},
    sql,
};

pub(crate) use lease::Lease;

const NOW: &str = sql::now(Engine::Postgres);

/// What a renewal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A member, with shards.
    Member {
        /// By step: the shards that it owns, and those that it is to own. The rest of the owned
        /// is to be given away.
        parts: BTreeMap<Served, Part>,
        /// Of how many members.
        members: usize,
    },
    /// It was struck out meanwhile, and must join anew under another name.
    StruckOut,
}

/// One step's shards that a member owns, and those that it is to own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Part {
    pub(crate) owned: Shards,
    pub(crate) share: Shards,
}

/// A step for one observed model: the unit in which members share shards. Programs of two versions
/// may differ in the models that a step observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Served {
    step: &'static str,
    /// The observed model's table.
    table: &'static str,
}

/// The removal of rows for which nothing was ever made: every process can do it.
pub(crate) const REMOVAL: Served = Served { step: "-", table: "" };

impl Served {
    pub(crate) fn new(step: &'static str, model: &'static ModelInfo) -> Self {
        Self { step, table: model.table }
    }
}

/// As the database has it.
impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            REMOVAL => f.write_str(REMOVAL.step),
            Self { step, table } => write!(f, "{step}/{table}"),
        }
    }
}

/// What a member says of itself when it renews its lease.
#[derive(Debug, Clone)]
pub(crate) struct Renewal {
    pub(crate) owner: Owner,
    pub(crate) lease: Duration,
    /// It has never been one before.
    pub(crate) joins: Joins,
    /// Its program's steps.
    pub(crate) steps: Vec<Served>,
    /// By step: shards of which it has rows in flight.
    pub(crate) busy: BTreeMap<Served, Shards>,
    /// What the status shows of it.
    pub(crate) shown: String,
}

/// Whether a renewal is a member's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joins {
    Now,
    Before,
}

#[derive(QueryableByName)]
struct Member {
    #[diesel(sql_type = Text)]
    member: String,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = BigInt)]
    lease_until: i64,
    #[diesel(sql_type = Text)]
    steps: String,
}

#[derive(QueryableByName)]
struct Owned {
    #[diesel(sql_type = Text)]
    step: String,
    #[diesel(sql_type = Integer)]
    shard: i32,
    #[diesel(sql_type = Nullable<Text>)]
    member: Option<String>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    member: String,
}

/// After [`extend`]: strikes out members whose lease is over, and takes and gives away shards.
pub(crate) fn renew(
    conn: &mut AnyConnection,
    renewal: &Renewal,
    models: &[&'static ModelInfo],
) -> QueryResult<Standing> {
    let Owner { synchronizer, member: me } = &renewal.owner;
    one_at_a_time(conn, synchronizer)?;
    if !journal::may_write(conn, &renewal.owner)? {
        return Ok(Standing::StruckOut);
    }
    let (members, mut struck) = living(conn, synchronizer, me)?;
    if renewal.joins == Joins::Now {
        struck.extend(forgotten(conn, synchronizer)?);
    }
    for owner in struck.iter().map(|member| Owner { synchronizer, member: member.clone() }) {
        let rows = journal::recover(conn, &owner, models)?;
        tracing::info!(member = owner.member, rows, "another process of this Synchronizer is gone");
    }
    let mut parts = BTreeMap::new();
    let owners = owners(conn, synchronizer)?;
    for step in renewal.steps.iter().copied().chain([REMOVAL]) {
        // A program that lacks the step takes no part in it.
        let able: Vec<_> =
            members.iter().filter(|m| m.has(step)).map(|m| m.member.clone()).collect();
        let share = shard::fair_share(&able, me);
        let busy = renewal.busy.get(&step).copied().unwrap_or_default();
        let owned = deal(conn, &renewal.owner, step, share, busy, &owners)?;
        parts.insert(step, Part { owned, share });
    }
    if renewal.joins == Joins::Now || !struck.is_empty() {
        note_unserved(conn, synchronizer)?;
        notify_others(conn)?;
    }
    Ok(Standing::Member { parts, members: members.len() })
}

/// Notes since when steps are served by no process.
fn note_unserved(conn: &mut AnyConnection, synchronizer: &str) -> QueryResult<()> {
    sql_query(format!(
        "UPDATE xos_sync_steps AS s SET unserved_since = CASE WHEN EXISTS \
         (SELECT 1 FROM xos_sync_members AS m WHERE m.synchronizer = s.synchronizer \
         AND s.step || '/' || s.model = ANY (string_to_array(m.steps, ','))) \
         THEN NULL ELSE coalesce(s.unserved_since, {NOW}) END WHERE s.synchronizer = $1"
    ))
    .bind::<Text, _>(synchronizer)
    .execute(conn)?;
    Ok(())
}

/// Leaves; the shards are free at once.
pub(crate) fn leave(conn: &mut AnyConnection, owner: &Owner) -> QueryResult<()> {
    one_at_a_time(conn, owner.synchronizer)?;
    for statement in [
        "UPDATE xos_sync_shards SET member = NULL WHERE synchronizer = $1 AND member = $2",
        "DELETE FROM xos_sync_members WHERE synchronizer = $1 AND member = $2",
    ] {
        sql_query(statement)
            .bind::<Text, _>(owner.synchronizer)
            .bind::<Text, _>(&owner.member)
            .execute(conn)?;
    }
    place::leave(&owner.member);
    note_unserved(conn, owner.synchronizer)?;
    notify_others(conn)
}

/// What the only process says of itself, where the file is its alone; nothing when it ends.
pub(crate) fn say(conn: &mut AnyConnection, synchronizer: &str, shown: &str) -> QueryResult<()> {
    let engine = conn.engine();
    sql::query(engine, "DELETE FROM xos_sync_members WHERE synchronizer = ?")
        .bind::<Text, _>(synchronizer)
        .execute(conn)?;
    if !shown.is_empty() {
        sql::query(
            engine,
            "INSERT INTO xos_sync_members (member, synchronizer, place, lease_until, shown) \
             VALUES (?, ?, '', 9223372036854775807, ?)",
        )
        .bind::<Text, _>(synchronizer)
        .bind::<Text, _>(synchronizer)
        .bind::<Text, _>(shown)
        .execute(conn)?;
    }
    Ok(())
}

/// A member of this process runs no more, although it has not left.
pub(crate) fn ended(owner: &Owner) {
    place::leave(&owner.member);
}

/// Waits for its turn, but not for long, because this connection writes for all; keeps it until
/// the transaction ends.
fn one_at_a_time(conn: &mut AnyConnection, synchronizer: &str) -> QueryResult<()> {
    sql_query("SELECT 1 FROM pg_advisory_xact_lock(hashtext(current_schema() || '/' || $1))")
        .bind::<Text, _>(synchronizer)
        .execute(conn)?;
    Ok(())
}

/// Extends the lease, or begins it; whether the member is one (still).
pub(crate) fn extend(conn: &mut AnyConnection, renewal: &Renewal) -> QueryResult<bool> {
    let Owner { synchronizer, member } = &renewal.owner;
    let lease = i64::try_from(renewal.lease.as_micros()).unwrap_or(i64::MAX / 4);
    if renewal.joins == Joins::Before {
        let extended = sql_query(format!(
            "UPDATE xos_sync_members SET lease_until = {NOW} + {lease}, shown = $1 WHERE member = $2"
        ))
        .bind::<Text, _>(&renewal.shown)
        .bind::<Text, _>(member)
        .execute(conn)?;
        return Ok(extended > 0);
    }
    place::enter(member);
    sql_query(format!(
        "INSERT INTO xos_sync_members (member, synchronizer, place, lease_until, shown, steps) \
         VALUES ($1, $2, $3, {NOW} + {lease}, $4, $5) ON CONFLICT (member) DO UPDATE SET lease_until = excluded.lease_until"
    ))
    .bind::<Text, _>(member)
    .bind::<Text, _>(*synchronizer)
    .bind::<Text, _>(place::mine())
    .bind::<Text, _>(&renewal.shown)
    .bind::<Text, _>(texts(renewal.steps.iter().copied()))
    .execute(conn)?;
    sql_query(format!(
        "INSERT INTO xos_sync_shards (synchronizer, step, shard) \
         SELECT $1, step, shard FROM generate_series(0, {}) AS shard, \
         unnest(string_to_array($2, ',')) AS step ON CONFLICT DO NOTHING",
        shard::COUNT - 1
    ))
    .bind::<Text, _>(*synchronizer)
    .bind::<Text, _>(texts(renewal.steps.iter().copied().chain([REMOVAL])))
    .execute(conn)?;
    Ok(true)
}

/// The members, in order, and those that were just struck out.
fn living(
    conn: &mut AnyConnection,
    synchronizer: &str,
    me: &str,
) -> QueryResult<(Vec<Member>, Vec<String>)> {
    let members: Vec<Member> = sql_query(format!(
        "SELECT member, place, lease_until - {NOW} AS lease_until, steps FROM xos_sync_members \
         WHERE synchronizer = $1 ORDER BY member"
    ))
    .bind::<Text, _>(synchronizer)
    .load(conn)?;
    let over = |member: &Member| {
        member.member != me
            && (member.lease_until <= 0 || place::is_gone(&member.member, &member.place))
    };
    let (gone, living): (Vec<_>, Vec<_>) = members.into_iter().partition(over);
    for member in &gone {
        sql_query("DELETE FROM xos_sync_members WHERE member = $1")
            .bind::<Text, _>(&member.member)
            .execute(conn)?;
    }
    Ok((living, gone.into_iter().map(|member| member.member).collect()))
}

/// Names in the journal that are no members': their processes could not end their lines.
fn forgotten(conn: &mut AnyConnection, synchronizer: &str) -> QueryResult<Vec<String>> {
    let names: Vec<Name> = sql_query(
        "SELECT DISTINCT member FROM xos_sync_journal AS j WHERE synchronizer = $1 \
         AND NOT EXISTS (SELECT 1 FROM xos_sync_members AS m WHERE m.member = j.member)",
    )
    .bind::<Text, _>(synchronizer)
    .load(conn)?;
    Ok(names.into_iter().map(|name| name.member).collect())
}

/// Who owns which shards of a Synchronizer's steps.
fn owners(conn: &mut AnyConnection, synchronizer: &str) -> QueryResult<Vec<Owned>> {
    sql_query(
        "SELECT s.step, s.shard, m.member FROM xos_sync_shards AS s LEFT JOIN xos_sync_members AS m USING (member) \
         WHERE s.synchronizer = $1",
    )
    .bind::<Text, _>(synchronizer)
    .load(conn)
}

/// Gives away the shards of a step that are not this member's share and have no rows in flight,
/// and takes the free ones of its share; the shards that it owns then.
fn deal(
    conn: &mut AnyConnection,
    owner: &Owner,
    step: Served,
    share: Shards,
    busy: Shards,
    owners: &[Owned],
) -> QueryResult<Shards> {
    let step = step.to_string();
    let owned_by = |whose: Option<&str>| -> Shards {
        let theirs = owners.iter().filter(|it| it.step == step && it.member.as_deref() == whose);
        theirs.filter_map(|it| u32::try_from(it.shard).ok()).collect()
    };
    let (mine, free) = (owned_by(Some(&owner.member)), owned_by(None));
    let given = mine.without(share).without(busy);
    let taken: Shards = share.iter().filter(|shard| free.contains(*shard)).collect();
    set_owner(conn, owner, &step, taken, Some(&owner.member))?;
    set_owner(conn, owner, &step, given, None)?;
    if !given.is_empty() {
        notify_others(conn)?;
    }
    Ok(mine.without(given).iter().chain(taken.iter()).collect())
}

fn set_owner(
    conn: &mut AnyConnection,
    owner: &Owner,
    step: &str,
    shards: Shards,
    member: Option<&str>,
) -> QueryResult<()> {
    if shards.is_empty() {
        return Ok(());
    }
    sql_query(format!(
        "UPDATE xos_sync_shards SET member = $1 WHERE synchronizer = $2 AND step = $3 AND shard IN ({})",
        sql::list(shards.iter().map(i64::from)),
    ))
    .bind::<Nullable<Text>, _>(member)
    .bind::<Text, _>(owner.synchronizer)
    .bind::<Text, _>(step)
    .execute(conn)?;
    Ok(())
}

impl Member {
    /// Whether its program has the step.
    fn has(&self, step: Served) -> bool {
        step == REMOVAL || self.steps.split(',').any(|own| own == step.to_string())
    }
}

fn texts(steps: impl Iterator<Item = Served>) -> String {
    steps.map(|step| step.to_string()).collect::<Vec<_>>().join(",")
}

/// There is something to take, or to give away.
fn notify_others(conn: &mut AnyConnection) -> QueryResult<()> {
    sql_query(format!(
        "SELECT pg_notify(left('xos_sync.' || current_schema(), 63), '!') WHERE {}",
        sql::NOTIFICATIONS_ARE_ON
    ))
    .execute(conn)?;
    Ok(())
}
