//! Keystone: users.

use serde::{Deserialize, Serialize, Serializer};

use super::call::Call;
use super::{Cloud, CloudError, Pages, Secret, Service};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain.
    pub name: String,
    /// Its domain.
    pub domain_id: Option<String>,
    /// Its mail address.
    pub email: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The project that tools choose when none is given.
    pub default_project_id: Option<String>,
    /// Whether it may authenticate.
    pub enabled: bool,
}

/// A user to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewUser {
    /// Its name.
    pub name: String,
    /// Its domain; that of the caller if not set.
    pub domain_id: Option<String>,
    /// Its password; without one it cannot authenticate by password.
    #[serde(serialize_with = "exposed")]
    pub password: Option<Secret>,
    /// Its mail address.
    pub email: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The project that tools choose when none is given.
    pub default_project_id: Option<String>,
    /// Whether it may authenticate; it may if not set.
    pub enabled: Option<bool>,
}

/// What to change of a user. What is not set stays.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UserChange {
    /// Its name.
    pub name: Option<String>,
    /// Its password.
    #[serde(serialize_with = "exposed")]
    pub password: Option<Secret>,
    /// Its mail address.
    pub email: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The project that tools choose when none is given.
    pub default_project_id: Option<String>,
    /// Whether it may authenticate.
    pub enabled: Option<bool>,
}

/// Which users to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UserQuery {
    /// The one of this name.
    pub name: Option<String>,
    /// Those of this domain.
    pub domain_id: Option<String>,
    /// Those that are enabled, or those that are not.
    pub enabled: Option<bool>,
}

impl Cloud {
    /// The users that `query` describes.
    pub fn users(&self, query: &UserQuery) -> Pages<User> {
        let call = Call::get(Service::Identity, ["users"], "list users").query(query);
        Pages::new(self, call, "users")
    }

    /// A user by its id.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn user(&self, id: &str) -> Result<User, CloudError> {
        let call = Call::get(Service::Identity, ["users", id], format!("read user {id}"));
        self.read(call, "user").await
    }

    /// Makes a user.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when its domain has one of this name.
    pub async fn create_user(&self, user: &NewUser) -> Result<User, CloudError> {
        let asked = format!("create user {}", user.name);
        let call = Call::post(Service::Identity, ["users"], asked).fields("user", user);
        self.read(call.secret(&user.password), "user").await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn update_user(&self, id: &str, change: &UserChange) -> Result<User, CloudError> {
        let call = Call::patch(Service::Identity, ["users", id], format!("change user {id}"));
        self.read(call.fields("user", change).secret(&change.password), "user").await
    }

    /// Lets a user authenticate again.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn enable_user(&self, id: &str) -> Result<User, CloudError> {
        self.update_user(id, &UserChange { enabled: Some(true), ..UserChange::default() }).await
    }

    /// Keeps a user from authenticating, and ends its tokens.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn disable_user(&self, id: &str) -> Result<User, CloudError> {
        self.update_user(id, &UserChange { enabled: Some(false), ..UserChange::default() }).await
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn delete_user(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete user {id}");
        self.act(Call::delete(Service::Identity, ["users", id], asked)).await
    }
}

fn exposed<S: Serializer>(secret: &Option<Secret>, to: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::reveal).serialize(to)
}
