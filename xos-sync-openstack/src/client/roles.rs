//! Keystone: roles, and who has them in which project.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Role {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A role that a user has in a project.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// The role's id.
    pub role_id: String,
    /// The user's id.
    pub user_id: String,
    /// The project's id.
    pub project_id: String,
}

/// Which assignments to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AssignmentQuery {
    /// Those of this role.
    #[serde(rename = "role.id")]
    pub role_id: Option<String>,
    /// Those of this user.
    #[serde(rename = "user.id")]
    pub user_id: Option<String>,
    /// Those in this project.
    #[serde(rename = "scope.project.id")]
    pub project_id: Option<String>,
}

/// As Keystone says it: groups have roles too, and there are other scopes.
#[derive(Deserialize)]
struct Wire {
    role: Id,
    user: Option<Id>,
    scope: Scope,
}

#[derive(Deserialize)]
struct Scope {
    project: Option<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Cloud {
    /// All roles.
    pub fn roles(&self) -> Pages<Role> {
        Pages::new(self, Call::get(Service::Identity, ["roles"], "list roles"), "roles")
    }

    /// Makes a role.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when there is one of this name.
    pub async fn create_role(&self, name: &str) -> Result<Role, CloudError> {
        let call = Call::post(Service::Identity, ["roles"], format!("create role {name}"));
        self.read(call.body(json!({"role": {"name": name}})), "role").await
    }

    /// Deletes a role, and takes it from everybody.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn delete_role(&self, id: &str) -> Result<(), CloudError> {
        self.act(Call::delete(Service::Identity, ["roles", id], format!("delete role {id}"))).await
    }

    /// Gives a user a role in a project; nothing happens when it has it already.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when one of the three does not exist.
    pub async fn grant(&self, grant: &Assignment) -> Result<(), CloudError> {
        let Assignment { role_id, user_id, project_id } = grant;
        let asked = format!("give user {user_id} role {role_id} in project {project_id}");
        let path = ["projects", project_id, "users", user_id, "roles", role_id];
        self.act(Call::put(Service::Identity, path, asked)).await
    }

    /// Takes a role in a project from a user.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when it does not have it.
    pub async fn revoke(&self, grant: &Assignment) -> Result<(), CloudError> {
        let Assignment { role_id, user_id, project_id } = grant;
        let asked = format!("take role {role_id} in project {project_id} from user {user_id}");
        let path = ["projects", project_id, "users", user_id, "roles", role_id];
        self.act(Call::delete(Service::Identity, path, asked)).await
    }

    /// The roles that users have in projects, as far as `query` describes them.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn assignments(
        &self,
        query: &AssignmentQuery,
    ) -> Result<Vec<Assignment>, CloudError> {
        let call = Call::get(Service::Identity, ["role_assignments"], "list role assignments");
        let found = Pages::<Wire>::new(self, call.query(query), "role_assignments").all().await?;
        let of_user = |found: Wire| {
            let (user_id, project_id) = (found.user?.id, found.scope.project?.id);
            Some(Assignment { role_id: found.role.id, user_id, project_id })
        };
        Ok(found.into_iter().filter_map(of_user).collect())
    }
}
