//! PURE: what Keystone is sent to authenticate, and what it answers.

use std::time::SystemTime;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use xos_sync_core::Secret;

use super::catalog::Entry;

/// Who calls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A user, by name and the domain that it belongs to.
    Password {
        /// The user's name.
        user: String,
        /// The user's domain.
        domain: Named,
        /// The user's password.
        password: Secret,
    },
    /// A user, by id.
    UserId {
        /// The user's id.
        id: String,
        /// The user's password.
        password: Secret,
    },
    /// An application credential. Its project is fixed.
    Application {
        /// The credential's id.
        id: String,
        /// The credential's secret.
        secret: Secret,
    },
    /// A token. It is not renewed.
    Token(Secret),
}

/// A thing by its name or by its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// A project, by its id.
    Project(String),
    /// A project, by name and domain.
    ProjectName {
        /// The project's name.
        name: String,
        /// The project's domain.
        domain: Named,
    },
    /// A domain.
    Domain(Named),
    /// The whole cloud.
    System,
    /// What the credentials say themselves: an application credential's project, or none.
    Given,
}

impl Credentials {
    /// A user of the domain with the id `default`.
    #[must_use]
    pub fn password(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        let domain = Named::Id("default".to_owned());
        Self::Password { user: user.into(), domain, password: password.into() }
    }

    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::Password { password, .. } | Self::UserId { password, .. } => password,
            Self::Application { secret, .. } => secret,
            Self::Token(token) => token,
        }
    }

    /// The body of `POST /auth/tokens`.
    pub(super) fn body(&self, scope: &Scope) -> Value {
        let by_password =
            |user: Value| json!({"methods": ["password"], "password": {"user": user}});
        let identity = match self {
            Self::Password { user, domain, password } => by_password(json!({
                "name": user, "domain": domain.json(), "password": password.reveal()
            })),
            Self::UserId { id, password } => {
                by_password(json!({"id": id, "password": password.reveal()}))
            }
            Self::Application { id, secret } => json!({
                "methods": ["application_credential"],
                "application_credential": {"id": id, "secret": secret.reveal()}
            }),
            Self::Token(token) => {
                json!({"methods": ["token"], "token": {"id": token.reveal()}})
            }
        };
        let scope = match scope {
            Scope::Given => return json!({"auth": {"identity": identity}}),
            Scope::Project(id) => json!({"project": {"id": id}}),
            Scope::ProjectName { name, domain } => {
                json!({"project": {"name": name, "domain": domain.json()}})
            }
            Scope::Domain(domain) => json!({"domain": domain.json()}),
            Scope::System => json!({"system": {"all": true}}),
        };
        json!({"auth": {"identity": identity, "scope": scope}})
    }
}

impl Named {
    fn json(&self) -> Value {
        match self {
            Self::Id(id) => json!({"id": id}),
            Self::Name(name) => json!({"name": name}),
        }
    }
}

/// What Keystone says of a token.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) token: TokenBody,
}

#[derive(Deserialize)]
pub(super) struct TokenBody {
    expires_at: String,
    user: Reference,
    project: Option<Reference>,
    #[serde(default)]
    roles: Vec<Reference>,
    #[serde(default)]
    pub(super) catalog: Vec<Entry>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
    name: String,
}

/// Whom a cloud takes us for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The user's id.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// The project that the token is for, if it is for one.
    pub project_id: Option<String>,
    /// The names of the roles that the user has there.
    pub roles: Vec<String>,
}

impl TokenBody {
    pub(super) fn identity(&self) -> Identity {
        Identity {
            user_id: self.user.id.clone(),
            user_name: self.user.name.clone(),
            project_id: self.project.as_ref().map(|project| project.id.clone()),
            roles: self.roles.iter().map(|role| role.name.clone()).collect(),
        }
    }

    /// None when it is not a time: then the token serves until it is refused.
    pub(super) fn expires(&self) -> Option<SystemTime> {
        DateTime::parse_from_rfc3339(&self.expires_at).ok().map(SystemTime::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_say_who_calls_and_for_what() {
        let user = Credentials::password("alice", "hush");
        let scope =
            Scope::ProjectName { name: "p".to_owned(), domain: Named::Name("d".to_owned()) };
        assert_eq!(
            user.body(&scope),
            json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user":
                    {"name": "alice", "domain": {"id": "default"}, "password": "hush"}}},
                "scope": {"project": {"name": "p", "domain": {"name": "d"}}}
            }})
        );
        let application = Credentials::Application { id: "a".to_owned(), secret: "hush".into() };
        assert_eq!(
            application.body(&Scope::Given),
            json!({"auth": {"identity": {"methods": ["application_credential"],
                "application_credential": {"id": "a", "secret": "hush"}}}})
        );
        assert_eq!(user.body(&Scope::System)["auth"]["scope"], json!({"system": {"all": true}}));
    }

    #[test]
    fn credentials_do_not_show() {
        for credentials in [Credentials::password("a", "hush"), Credentials::Token("hush".into())] {
            assert!(!format!("{credentials:?}").contains("hush"));
        }
    }

    #[test]
    fn an_answer_is_read() {
        let answer = r#"{"token": {"expires_at": "2026-01-01T00:00:00.000000Z", "user": {"id": "u", "name": "alice"},
            "project": {"id": "p", "name": "x"}, "roles": [{"id": "r", "name": "admin"}]}}"#;
        let token = serde_json::from_str::<Answer>(answer).unwrap().token;
        let identity = token.identity();
        assert_eq!((identity.user_id.as_str(), identity.project_id.as_deref()), ("u", Some("p")));
        assert_eq!(identity.roles, ["admin"]);
        let expires = token.expires().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(expires.as_secs(), 1_767_225_600);
    }
}
