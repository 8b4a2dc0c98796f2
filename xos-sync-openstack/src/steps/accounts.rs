//! An account in Keystone for a row of a user.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::ring;
use xos_sync_core::{
    Context, Row, StepError,
    models::{ControllerUser, User},
};

use super::answers::found;
use super::marks;
use crate::client::{
    Cloud, CloudError, Credentials, ErrorKind, NewUser, Scope, Secret, User as Account, UserChange,
    UserQuery,
};
use crate::clouds::Place;

/// The mark of an account that may have a password of the row's: when the row has none any more, it must go.
const PASSWORD: &str = "xos-password=set";

/// What an account shall be.
pub(super) struct Wanted {
    name: String,
    enabled: bool,
    password: Option<Secret>,
    /// The marks, but for that of the password.
    description: String,
    /// The one by which it is known to be the row's.
    mark: String,
    /// Whether the user's row is no longer as it was made: the account may have another name.
    may_be_renamed: bool,
}

impl Wanted {
    pub(super) fn of(cx: &Context, row: &Row<ControllerUser>, user: &Row<User>) -> Self {
        Self {
            name: user.email.clone(),
            enabled: user.is_active,
            password: user.password.clone(),
            description: marks::description(cx, row),
            mark: marks::uid(row),
            may_be_renamed: user.bookkeeping().updated != user.bookkeeping().created,
        }
    }

    /// Whether there is an account, and as it shall be as far as can be seen.
    pub(super) fn is_met_by(&self, account: Option<&Account>) -> bool {
        account.is_some_and(|account| self.difference(account).is_none())
    }

    /// What is to be changed of what can be seen, if anything.
    fn difference(&self, there: &Account) -> Option<UserChange> {
        let marked = self.is_marked(there) && has_password(there) == self.password.is_some();
        let mailed = there.email.as_ref() == Some(&self.name);
        if there.name == self.name && mailed && there.enabled == self.enabled && marked {
            return None;
        }
        Some(UserChange {
            name: (there.name != self.name).then(|| self.name.clone()),
            email: (!mailed).then(|| self.name.clone()),
            enabled: (there.enabled != self.enabled).then_some(self.enabled),
            description: (!marked).then(|| self.description()),
            ..UserChange::default()
        })
    }

    fn is_marked(&self, there: &Account) -> bool {
        marks::is_in(&self.mark, there.description.as_deref())
    }

    fn description(&self) -> String {
        match self.password {
            Some(_) => format!("{} {PASSWORD}", self.description),
            None => self.description.clone(),
        }
    }

    fn taken(&self, place: &Place) -> StepError {
        StepError::terminal(format!(
            "the controller {} has an account {:?} already, which is not of this user: change the user's \
             `email`, or rename or delete that account, and ask for a retry",
            place.controller.name, self.name
        ))
    }
}

/// The account that is recorded, else the one that has the mark.
pub(super) async fn find(
    place: &Place,
    recorded: Option<&str>,
    wanted: &Wanted,
) -> Result<Option<Account>, StepError> {
    if let Some(id) = recorded
        && let Some(there) = found(place.cloud.user(id).await)?
    {
        return Ok(Some(there));
    }
    // Keystone finds no account by its description. By its name is enough, unless that has changed.
    let name = (!wanted.may_be_renamed).then(|| wanted.name.clone());
    let query = UserQuery { name, domain_id: Some(place.domain.clone()), ..UserQuery::default() };
    let mut pages = place.cloud.users(&query);
    while let Some(page) = pages.next().await.map_err(CloudError::into_step_error)? {
        if let Some(there) = page.into_iter().find(|there| wanted.is_marked(there)) {
            return Ok(Some(there));
        }
    }
    Ok(None)
}

/// All accounts of the controller's domain, by their ids.
pub(super) async fn all(place: &Place) -> Result<HashMap<String, Account>, StepError> {
    let query = UserQuery { domain_id: Some(place.domain.clone()), ..UserQuery::default() };
    let there = place.cloud.users(&query).all().await.map_err(CloudError::into_step_error)?;
    Ok(there.into_iter().map(|account| (account.id.clone(), account)).collect())
}

/// Makes the account.
pub(super) async fn make(place: &Place, wanted: &Wanted) -> Result<Account, StepError> {
    let password = match &wanted.password {
        Some(password) => password.clone(),
        None => random()?,
    };
    let new = NewUser {
        name: wanted.name.clone(),
        domain_id: Some(place.domain.clone()),
        password: Some(password),
        email: Some(wanted.name.clone()),
        description: Some(wanted.description()),
        enabled: Some(wanted.enabled),
        ..NewUser::default()
    };
    match place.cloud.create_user(&new).await {
        Err(error) if error.is_conflict() => Err(wanted.taken(place)),
        made => made.map_err(CloudError::into_step_error),
    }
}

/// Makes the account what it shall be, if it is not. The password is not set without need, because that
/// ends the user's tokens; the row's last one is replaced when the row has none any more.
pub(super) async fn adjust(
    place: &Place,
    there: &Account,
    wanted: &Wanted,
    password_is: PasswordIs,
) -> Result<(), StepError> {
    let difference = wanted.difference(there);
    let enables = wanted.enabled && !there.enabled;
    let password = match &wanted.password {
        Some(password) if enables => Some(password.clone()),
        Some(password) if wanted.enabled && password_is == PasswordIs::InDoubt => {
            (!logs_in(&place.cloud, &there.id, password).await?).then(|| password.clone())
        }
        Some(_) => None,
        None if has_password(there) => Some(random()?),
        None => None,
    };
    if difference.is_none() && password.is_none() {
        return Ok(());
    }
    let change = UserChange { password, ..difference.unwrap_or_default() };
    match place.cloud.update_user(&there.id, &change).await {
        Err(error) if error.is_conflict() && change.name.is_some() => Err(wanted.taken(place)),
        done => done.map(drop).map_err(CloudError::into_step_error),
    }
}

/// Whether an account's password may be another than the row's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordIs {
    /// Set since the row has changed.
    Set,
    /// Perhaps not.
    InDoubt,
}

fn has_password(there: &Account) -> bool {
    marks::is_in(PASSWORD, there.description.as_deref())
}

async fn logs_in(cloud: &Cloud, id: &str, password: &Secret) -> Result<bool, StepError> {
    let credentials = Credentials::UserId { id: id.to_owned(), password: password.clone() };
    match cloud.with_credentials(credentials, Scope::Given).identity().await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Unauthorized => Ok(false),
        Err(error) => Err(error.into_step_error()),
    }
}

/// A password that nobody knows.
fn random() -> Result<Secret, StepError> {
    let mut bytes = [0; 32];
    ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| StepError::transient("the operating system gave no random numbers"))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}
