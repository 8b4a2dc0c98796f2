//! An account and a key pair for each user.

use std::collections::HashMap;

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Model as _, Pending, StepResult, SyncStep,
    models::{Controller, ControllerUser, User},
    sync_step,
};

use super::accounts::{self, PasswordIs, Wanted};
use super::keys;
use super::live::{self, Live, is_changed, is_news};
use crate::Clouds;
use crate::client::{CloudError, User as Account, UserQuery};

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

#[async_trait]
impl SyncStep<ControllerUser> for SyncControllerUsers {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerUser>,
    ) -> StepResult {
        let mut told = Ok(());
        for id in live::controllers(cx).await? {
            told = told.and(self.look(cx, id, pending).await);
        }
        told
    }

    async fn sync_record(&self, cx: &Context, row: &mut ControllerUser) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let user = cx.get(row.user_id).await?;
        let wanted = Wanted::of(cx, row, &user);
        let found = accounts::find(&place, row.kuser_id.as_deref(), &wanted).await?;
        let is_new = found.is_none();
        let there = match found {
            Some(there) => there,
            None => accounts::make(&place, &wanted).await?,
        };
        if row.kuser_id.as_ref() != Some(&there.id) {
            row.kuser_id = Some(there.id.clone());
            cx.save(row).await?;
        }
        if !is_new {
            let password_is = match is_changed(&row.bookkeeping, &user.bookkeeping) {
                true => PasswordIs::InDoubt,
                false => PasswordIs::Set,
            };
            accounts::adjust(&place, &there, &wanted, password_is).await?;
        }
        keys::settle(&place.cloud, &user).await
    }

    async fn delete_record(&self, cx: &Context, row: &ControllerUser) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let user = cx.get(row.user_id).await?;
        keys::delete(&place.cloud, user.uid()).await?;
        let wanted = Wanted::of(cx, row, &user);
        match accounts::find(&place, row.kuser_id.as_deref(), &wanted).await? {
            Some(there) => {
                place.cloud.delete_user(&there.id).await.map_err(CloudError::into_step_error)
            }
            None => Ok(()),
        }
    }
}

impl SyncControllerUsers {
    /// Finds accounts and key pairs of one controller that are not as they were left.
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerUser>,
    ) -> StepResult {
        let place = self.clouds.place(cx, controller).await?;
        let query = UserQuery { domain_id: Some(place.domain.clone()), ..UserQuery::default() };
        let there = place.cloud.users(&query).all().await.map_err(CloudError::into_step_error)?;
        let there: HashMap<_, _> =
            there.into_iter().map(|account| (account.id.clone(), account)).collect();
        let keys = keys::all(&place.cloud).await?;
        let mut rows = Live::<ControllerUser>::of(controller);
        while let Some(page) = rows.next(cx).await? {
            let users = live::by_id(cx, page.iter().map(|row| row.user_id)).await?;
            let news = |row: &&ControllerUser| {
                let account: Option<&Account> = row.kuser_id.as_ref().and_then(|id| there.get(id));
                let settled =
                    account.zip(users.get(&row.user_id.raw())).is_some_and(|(account, user)| {
                        Wanted::of(cx, row, user).difference(account).is_none()
                            && keys::is_settled(user, &keys)
                    });
                is_news(&row.bookkeeping, settled)
            };
            pending.sync_again(page.iter().filter(news).map(ControllerUser::id)).await?;
        }
        Ok(())
    }
}
