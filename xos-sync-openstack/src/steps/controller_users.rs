//! An account and a key pair for each user.

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Controller, ControllerUser, User},
    sync_step,
};

use super::accounts::{self, PasswordIs, Wanted};
use super::answers::gone;
use super::keys;
use super::live::is_changed;
use super::on_controllers::{Look, record, tell};
use crate::Clouds;

/// Gives each user an account on each controller, named after the `email` and enabled while the user
/// `is_active`, and keeps the user's `public_key` as a key pair there.
///
/// The account's password is the user's `password`; without one it is a random one that nobody knows. It
/// is set again when the user's row has changed and it does not log in (any more), or when the account is
/// enabled; otherwise a password that the user has changed there stays. When it is taken away from the row,
/// the account gets a random one.
///
/// The key pair belongs to the user that the Synchronizer logs in as, because that one makes the servers:
/// Nova's key pairs are each user's own. It is named `xos-` and the user's uid. Servers keep the key that
/// they were made with.
///
/// An account of this name that was not made for the user is left alone, and an error.
#[sync_step(
    provides = User,
    observes = ControllerUser,
    interval = 300,
    only = "controller_users.controller_id IN \
            (SELECT c.id FROM controllers AS c WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncControllerUsers {
    clouds: Clouds,
}

impl SyncStep<ControllerUser> for SyncControllerUsers {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerUser>,
    ) -> StepResult {
        self.look_at_all(cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<ControllerUser>) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let user = cx.get(row.user_id).await?;
        let wanted = Wanted::of(cx, row, &user);
        let found = accounts::find(&place, row.kuser_id.as_deref(), &wanted).await?;
        let is_new = found.is_none();
        let there = match found {
            Some(there) => there,
            None => accounts::make(&place, &wanted).await?,
        };
        record(cx, row, &there.id).await?;
        if !is_new {
            let password_is = match is_changed(row.bookkeeping(), user.bookkeeping()) {
                true => PasswordIs::InDoubt,
                false => PasswordIs::Set,
            };
            accounts::adjust(&place, &there, &wanted, password_is).await?;
        }
        keys::settle(&place.cloud, &user).await?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, cx: &Context, row: &Row<ControllerUser>) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let user = cx.get(row.user_id).await?;
        keys::delete(&place.cloud, user.uid()).await?;
        let wanted = Wanted::of(cx, row, &user);
        if let Some(there) = accounts::find(&place, row.kuser_id.as_deref(), &wanted).await? {
            gone(place.cloud.delete_user(&there.id).await)?;
        }
        Ok(Outcome::Done)
    }
}

#[async_trait]
impl Look<ControllerUser> for SyncControllerUsers {
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerUser>,
    ) -> Result<(), StepError> {
        let place = self.clouds.place(cx, controller).await?;
        let there = accounts::all(&place).await?;
        let keys = keys::all(&place.cloud).await?;
        let is_settled = |row: &Row<ControllerUser>, user: &Row<User>| {
            let account = row.kuser_id.as_ref().and_then(|id| there.get(id));
            Wanted::of(cx, row, user).is_met_by(account) && keys::is_settled(user, &keys)
        };
        tell(cx, controller, pending, is_settled).await
    }
}
