//! Steps that come round by themselves: their own `fetch_pending`, once each interval.

use diesel::{
    QueryResult, RunQueryDsl,
    sql_types::{BigInt, Integer, Nullable, Text},
};
use tracing::Instrument as _;

use super::{Done, Passes};
use crate::{
    db::{AnyConnection, Db},
    model::{Micros, ModelInfo},
    run,
    schedule::{Retry, Round},
    sql,
    step::StepSpec,
};

/// A listing that has ended.
pub(super) struct Listed {
    lane: usize,
    noted: usize,
    round: Round,
    trouble: Option<String>,
}

impl Passes {
    /// Begins the listing of each step whose interval is over.
    pub(super) fn come_round(&mut self) {
        let now = (self.clock)();
        for at in 0..self.lanes.len() {
            if !self.membership.lists(self.lanes[at].step())
                || !self.lanes[at].listing_is_due(now)
                || self.waits_for_listing(at, now)
            {
                continue;
            }
            let lane = &mut self.lanes[at];
            let Some(observed) = lane.observed.clone() else { continue };
            let spec = observed.spec();
            lane.listing = true;
            let (context, db) = (self.context.clone(), self.db.clone());
            let (backoff, clock, round) = (self.limits.backoff, self.clock.clone(), lane.round);
            let span = tracing::info_span!("step", name = spec.name, model = lane.model.name);
            let listing = async move {
                let listed = run::bounded(spec, observed.fetch_pending(&context)).await;
                let now = clock();
                let retry = match &listed {
                    Ok((_, None)) => None,
                    Ok((_, Some(wait))) => Some(Retry::after(wait.after(), round.attempts, now)),
                    Err(error) => {
                        Some(backoff.retry(error.class(), round.attempts, now, fastrand::f64()))
                    }
                };
                let round = match retry {
                    None => Round { last: Some(now), ..Round::default() },
                    // A step has no goal that could change: it always comes round again.
                    Some(Retry { attempts, at }) => Round {
                        attempts,
                        retry_at: Some(at.min(now.after(spec.interval))),
                        ..round
                    },
                };
                let message = match &listed {
                    Ok((_, None)) => None,
                    Ok((_, Some(wait))) => {
                        tracing::debug!(reason = %wait.reason(), "fetch_pending waits: {}", wait.message());
                        Some(wait.message().to_owned())
                    }
                    Err(error) => {
                        let attempts = round.attempts;
                        tracing::warn!(%error, reason = %error.reason(), attempts, "fetch_pending failed");
                        Some(error.message().to_owned())
                    }
                };
                note(&db, context.synchronizer(), spec, observed.model(), round, message).await;
                Done::Listed(Listed {
                    lane: at,
                    noted: listed.as_ref().map_or(0, |(noted, _)| *noted),
                    round,
                    trouble: listed.err().map(|error| format!("{}: {error}", spec.name)),
                })
            };
            self.tasks.spawn(listing.instrument(span));
        }
    }

    /// Whether rows that this lane's listing may want to reference are being listed, or are
    /// about to be: sites come before what is linked to sites.
    pub(super) fn waits_for_listing(&self, at: usize, now: Micros) -> bool {
        let lane = &self.lanes[at];
        self.lanes.iter().any(|other| {
            lane.ancestors.contains(other.model.table)
                && (other.listing
                    || other.listing_is_due(now) && self.membership.lists(other.step()))
        })
    }

    pub(super) fn listed(&mut self, listed: Listed) {
        let lane = &mut self.lanes[listed.lane];
        lane.listing = false;
        // Somebody may have asked for another round while this one went on.
        let again = std::mem::take(&mut lane.round_again);
        lane.round = if again { Round::default() } else { listed.round };
        self.report.trouble = listed.trouble.or(self.report.trouble.take());
        self.report.noted += listed.noted as u64;
        // What was noted may be for another step's rows of the same model.
        let model = lane.model;
        self.lanes.iter_mut().filter(|lane| lane.model == model).for_each(|lane| lane.look_again());
    }
}

/// Writes how it went, for the status and for the next start.
async fn note(
    db: &Db,
    synchronizer: &'static str,
    spec: &'static StepSpec,
    model: &'static ModelInfo,
    round: Round,
    message: Option<String>,
) {
    let write = move |conn: &mut AnyConnection| -> QueryResult<usize> {
        sql::query(
            conn.engine(),
            "UPDATE xos_sync_steps SET last_run = ?, attempts = ?, retry_at = ?, backend_status = ? \
             WHERE synchronizer = ? AND step = ? AND model = ?",
        )
        .bind::<Nullable<BigInt>, _>(round.last.map(raw))
        .bind::<Integer, _>(round.attempts)
        .bind::<Nullable<BigInt>, _>(round.retry_at.map(raw))
        .bind::<Nullable<Text>, _>(message.as_deref())
        .bind::<Text, _>(synchronizer)
        .bind::<Text, _>(spec.name)
        .bind::<Text, _>(model.table)
        .execute(conn)
    };
    if let Err(error) = db.write_quietly(write).await {
        tracing::warn!(%error, "cannot note that the step came round");
    }
}

fn raw(time: Micros) -> i64 {
    time.0
}
