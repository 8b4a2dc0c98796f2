//! Keystone: domains and projects.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// A domain: where the names of projects and users are unique.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Domain {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether its users may authenticate.
    pub enabled: bool,
}

/// A project: what servers, networks and images belong to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain.
    pub name: String,
    /// Its domain.
    pub domain_id: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether its users may work in it.
    pub enabled: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A project to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// Its domain; that of the caller if not set.
    pub domain_id: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its tags: up to 80, of at most 255 characters, without `/` and `,`.
    pub tags: Vec<String>,
}

/// What to change of a project. What is not set stays.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProjectChange {
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether its users may work in it.
    pub enabled: Option<bool>,
    /// All its tags.
    pub tags: Option<Vec<String>>,
}

/// Which projects to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProjectQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those of this domain.
    pub domain_id: Option<String>,
    /// Those that have this tag.
    #[serde(rename = "tags")]
    pub tag: Option<String>,
}

impl Cloud {
    /// The domain of this name, if there is one.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn domain(&self, name: &str) -> Result<Option<Domain>, CloudError> {
        let call = Call::get(Service::Identity, ["domains"], format!("find domain {name}"));
        let found = Pages::<Domain>::new(self, call.set("name", name), "domains").all().await?;
        Ok(found.into_iter().next())
    }

    /// Makes a domain.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when there is one of this name.
    pub async fn create_domain(&self, name: &str) -> Result<Domain, CloudError> {
        let call = Call::post(Service::Identity, ["domains"], format!("create domain {name}"));
        self.read(call.body(json!({"domain": {"name": name}})), "domain").await
    }

    /// Disables and deletes a domain, with its projects and users.
    ///
    /// # Errors
    /// Those of the calls.
    pub async fn delete_domain(&self, id: &str) -> Result<(), CloudError> {
        let disable =
            Call::patch(Service::Identity, ["domains", id], format!("disable domain {id}"));
        self.act(disable.body(json!({"domain": {"enabled": false}}))).await?;
        self.act(Call::delete(Service::Identity, ["domains", id], format!("delete domain {id}")))
            .await
    }

    /// The projects that `query` describes.
    pub fn projects(&self, query: &ProjectQuery) -> Pages<Project> {
        let call = Call::get(Service::Identity, ["projects"], "list projects").query(query);
        Pages::new(self, call, "projects")
    }

    /// A project by its id.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn project(&self, id: &str) -> Result<Project, CloudError> {
        let call = Call::get(Service::Identity, ["projects", id], format!("read project {id}"));
        self.read(call, "project").await
    }

    /// Makes a project.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when its domain has one of this name.
    pub async fn create_project(&self, project: &NewProject) -> Result<Project, CloudError> {
        let asked = format!("create project {}", project.name);
        let call = Call::post(Service::Identity, ["projects"], asked).fields("project", project);
        self.read(call, "project").await
    }

    /// Changes a project.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn update_project(
        &self,
        id: &str,
        change: &ProjectChange,
    ) -> Result<Project, CloudError> {
        let call = Call::patch(Service::Identity, ["projects", id], format!("change project {id}"));
        self.read(call.fields("project", change), "project").await
    }

    /// Deletes a project. What other services have in it stays, out of reach: delete that before.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn delete_project(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete project {id}");
        self.act(Call::delete(Service::Identity, ["projects", id], asked)).await
    }
}
