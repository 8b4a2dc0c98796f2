//! A project for a row, of a site or of a slice.

use std::time::Duration;

use xos_sync_core::StepError;

use super::answers::{found, gone};
use crate::client::{
    Cloud, CloudError, NetworkQuery, NewProject, PortQuery, Project, ProjectChange, ProjectQuery,
    RouterQuery, SecurityGroup, SecurityGroupQuery, ServerQuery,
};
use crate::clouds::Place;

/// How long to wait for what is still in a project.
const IN_USE: Duration = Duration::from_secs(5);

/// The name of the security group that Neutron makes in each project by itself.
const DEFAULT_GROUP: &str = "default";

/// What a project shall be.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) enabled: bool,
    /// Those that it must have; others stay.
    pub(super) tags: Vec<String>,
    /// The tag by which it is known to be the row's.
    pub(super) mark: String,
    /// Where the name comes from, for messages: a model and a column.
    pub(super) origin: &'static str,
}

impl Wanted {
    /// What is to be changed, if anything.
    pub(super) fn difference(&self, there: &Project) -> Option<ProjectChange> {
        let described = there.description.as_deref().unwrap_or_default() == self.description;
        let missing = self.tags.iter().filter(|tag| !there.tags.contains(tag)).cloned();
        let missing: Vec<_> = missing.collect();
        let tagged = missing.is_empty();
        if there.name == self.name && described && there.enabled == self.enabled && tagged {
            return None;
        }
        Some(ProjectChange {
            name: (there.name != self.name).then(|| self.name.clone()),
            description: (!described).then(|| self.description.clone()),
            enabled: (there.enabled != self.enabled).then_some(self.enabled),
            tags: (!tagged).then(|| there.tags.iter().cloned().chain(missing).collect()),
        })
    }

    fn taken(&self, place: &Place) -> StepError {
        StepError::terminal(format!(
            "the controller {} has a project {:?} already, which is not of this object: change {}, or rename \
             or delete that project, and ask for a retry",
            place.controller.name, self.name, self.origin
        ))
    }
}

/// The project of the row: the one that is recorded, else one that has the mark, else a new one.
pub(super) async fn find_or_make(
    place: &Place,
    recorded: Option<&str>,
    wanted: &Wanted,
) -> Result<Project, StepError> {
    if let Some(there) = find(place, recorded, &wanted.mark).await? {
        return Ok(there);
    }
    let new = NewProject {
        name: wanted.name.clone(),
        domain_id: Some(place.domain.clone()),
        description: Some(wanted.description.clone()),
        tags: wanted.tags.clone(),
    };
    match place.cloud.create_project(&new).await {
        Err(error) if error.is_conflict() => Err(wanted.taken(place)),
        made => made.map_err(CloudError::into_step_error),
    }
}

/// Makes the project what it shall be, if it is not.
pub(super) async fn adjust(
    place: &Place,
    there: &Project,
    wanted: &Wanted,
) -> Result<(), StepError> {
    let Some(change) = wanted.difference(there) else { return Ok(()) };
    match place.cloud.update_project(&there.id, &change).await {
        Err(error) if error.is_conflict() && change.name.is_some() => Err(wanted.taken(place)),
        done => done.map(drop).map_err(CloudError::into_step_error),
    }
}

/// The project that is recorded, else the one that has the mark.
pub(super) async fn find(
    place: &Place,
    recorded: Option<&str>,
    mark: &str,
) -> Result<Option<Project>, StepError> {
    if let Some(id) = recorded {
        match place.cloud.project(id).await {
            Err(error) if error.is_not_found() => {}
            other => return other.map(Some).map_err(CloudError::into_step_error),
        }
    }
    let query = ProjectQuery {
        domain_id: Some(place.domain.clone()),
        tag: Some(mark.to_owned()),
        ..ProjectQuery::default()
    };
    let found = place.cloud.projects(&query).all().await.map_err(CloudError::into_step_error)?;
    Ok(found.into_iter().next())
}

/// All projects of the controller's domain, page by page.
pub(super) async fn all(place: &Place) -> Result<Vec<Project>, StepError> {
    let query = ProjectQuery { domain_id: Some(place.domain.clone()), ..ProjectQuery::default() };
    place.cloud.projects(&query).all().await.map_err(CloudError::into_step_error)
}

/// Deletes a project, once nothing is in it any more.
pub(super) async fn delete(cloud: &Cloud, project: &Project) -> Result<(), StepError> {
    let told = CloudError::into_step_error;
    if let Some(what) = left_in(cloud, &project.id).await.map_err(told)? {
        return Err(in_use(project, &what));
    }
    let groups = security_groups(cloud, &project.id).await?;
    if let Some(group) = groups.iter().find(|group| group.name != DEFAULT_GROUP) {
        return Err(in_use(project, &format!("security group {}", group.name)));
    }
    // Nova would keep it for ever, as Neutron would its own group.
    cloud.reset_compute_quota(&project.id).await.map_err(told)?;
    for group in &groups {
        gone(cloud.delete_security_group(&group.id).await)?;
    }
    cloud.delete_project(&project.id).await.map_err(told)
}

fn in_use(project: &Project, what: &str) -> StepError {
    let reason = format!(
        "waiting until the project {} is empty: it has the {what}, which would be left behind out of reach",
        project.name
    );
    StepError::deferred(reason, IN_USE)
}

/// The security groups of a project. There may be no such thing in a cloud.
async fn security_groups(cloud: &Cloud, id: &str) -> Result<Vec<SecurityGroup>, StepError> {
    let project_id = Some(id.to_owned());
    let query = SecurityGroupQuery { project_id, ..SecurityGroupQuery::default() };
    Ok(found(cloud.security_groups(&query).all().await)?.unwrap_or_default())
}

/// Something that is still in the project.
async fn left_in(cloud: &Cloud, id: &str) -> Result<Option<String>, CloudError> {
    let project_id = || Some(id.to_owned());
    let servers = ServerQuery {
        all_projects: Some(true),
        project_id: project_id(),
        ..ServerQuery::default()
    };
    if let Some(server) = cloud.servers(&servers).all().await?.pop() {
        return Ok(Some(format!("server {}", server.name)));
    }
    let routers = RouterQuery { project_id: project_id(), ..RouterQuery::default() };
    if let Some(router) = cloud.routers(&routers).all().await?.pop() {
        return Ok(Some(format!("router {}", router.name)));
    }
    let networks = NetworkQuery { project_id: project_id(), ..NetworkQuery::default() };
    if let Some(network) = cloud.networks(&networks).all().await?.pop() {
        return Ok(Some(format!("network {}", network.name)));
    }
    let ports = PortQuery { project_id: project_id(), ..PortQuery::default() };
    let port = cloud.ports(&ports).all().await?.pop();
    Ok(port.map(|port| format!("port {}", port.id)))
}
