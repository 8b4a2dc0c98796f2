//! A project for a row, of a site or of a slice.

use std::collections::HashMap;

use xos_sync_core::{Context, Outcome, Reason, Row, StepError, StepResult, ready, step::Ready};

use super::answers::{found, gone, wait};
use super::marks;
use super::on_controllers::{OnController, record};
use crate::client::{
    Cloud, CloudError, NetworkQuery, NewProject, PortQuery, Project, ProjectChange, ProjectQuery,
    RouterQuery, SecurityGroup, SecurityGroupQuery, ServerQuery,
};
use crate::clouds::Place;

/// How long to wait for what is still in a project, in seconds.
const IN_USE: u64 = 5;

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
    /// Whether there is a project, and as it shall be.
    pub(super) fn is_met_by(&self, project: Option<&Project>) -> bool {
        project.is_some_and(|project| self.difference(project).is_none())
    }

    /// What is to be changed, if anything.
    fn difference(&self, there: &Project) -> Option<ProjectChange> {
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

/// Whether the project of a row was there already.
#[derive(PartialEq, Eq)]
pub(super) enum ProjectIs {
    /// It has just been made.
    New,
    /// It is now as it shall be.
    There,
}

/// Makes the row's project, or what is there of it what it shall be, and records it. Returns its id.
pub(super) async fn settle<M: OnController>(
    cx: &Context,
    place: &Place,
    row: &mut Row<M>,
    wanted: &Wanted,
) -> Result<(String, ProjectIs), StepError> {
    if let Some(there) = find(place, row.id_there(), &wanted.mark).await? {
        record(cx, row, &there.id).await?;
        adjust(place, &there, wanted).await?;
        return Ok((there.id, ProjectIs::There));
    }
    let made = make(place, wanted).await?;
    record(cx, row, &made.id).await?;
    Ok((made.id, ProjectIs::New))
}

/// Deletes the row's project, once nothing is in it any more.
pub(super) async fn remove<M: OnController>(place: &Place, row: &Row<M>) -> StepResult {
    match find(place, row.id_there(), &marks::uid(row)).await? {
        Some(there) => delete(&place.cloud, &there).await,
        None => Ok(Outcome::Done),
    }
}

/// Makes the project.
async fn make(place: &Place, wanted: &Wanted) -> Result<Project, StepError> {
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
async fn adjust(place: &Place, there: &Project, wanted: &Wanted) -> Result<(), StepError> {
    let Some(change) = wanted.difference(there) else { return Ok(()) };
    match place.cloud.update_project(&there.id, &change).await {
        Err(error) if error.is_conflict() && change.name.is_some() => Err(wanted.taken(place)),
        done => done.map(drop).map_err(CloudError::into_step_error),
    }
}

/// The project that is recorded, else the one that has the mark.
async fn find(
    place: &Place,
    recorded: Option<&str>,
    mark: &str,
) -> Result<Option<Project>, StepError> {
    if let Some(id) = recorded
        && let Some(there) = found(place.cloud.project(id).await)?
    {
        return Ok(Some(there));
    }
    let query = ProjectQuery {
        domain_id: Some(place.domain.clone()),
        tag: Some(mark.to_owned()),
        ..ProjectQuery::default()
    };
    let marked = place.cloud.projects(&query).all().await.map_err(CloudError::into_step_error)?;
    Ok(marked.into_iter().next())
}

/// All projects of the controller's domain, by their ids.
pub(super) async fn all(place: &Place) -> Result<HashMap<String, Project>, StepError> {
    let query = ProjectQuery { domain_id: Some(place.domain.clone()), ..ProjectQuery::default() };
    let there = place.cloud.projects(&query).all().await.map_err(CloudError::into_step_error)?;
    Ok(there.into_iter().map(|project| (project.id.clone(), project)).collect())
}

/// Deletes a project, once nothing is in it any more.
async fn delete(cloud: &Cloud, project: &Project) -> StepResult {
    if let Some(what) = left_in(cloud, &project.id).await.map_err(CloudError::into_step_error)? {
        return Ok(in_use(project, &what));
    }
    ready!(remove_default_group(cloud, project).await?);
    // Nova would keep it for ever.
    cloud.reset_compute_quota(&project.id).await.map_err(CloudError::into_step_error)?;
    gone(cloud.delete_project(&project.id).await)?;
    Ok(Outcome::Done)
}

fn in_use(project: &Project, what: &str) -> Outcome {
    let reason = format!(
        "waiting until the project {} is empty: it has the {what}, which would be left behind out of reach",
        project.name
    );
    wait(Reason::CONFLICT, reason, IN_USE)
}

/// Removes the security group that Neutron makes by itself as soon as there is something in a project, and
/// keeps for ever. Other ones are somebody's.
async fn remove_default_group(cloud: &Cloud, project: &Project) -> Result<Ready<()>, StepError> {
    // Our own first: Neutron would make a default one only to tell of it.
    let own = cloud.identity().await.map_err(CloudError::into_step_error)?.project_id;
    let project_ids = own.into_iter().chain([project.id.clone()]).collect();
    let query = SecurityGroupQuery { project_ids, ..SecurityGroupQuery::default() };
    // A cloud need not have security groups.
    let groups = found(cloud.security_groups(&query).all().await)?.unwrap_or_default();
    let groups = groups.into_iter().filter(|group| group.project_id == project.id);
    let (default, others): (Vec<_>, Vec<_>) = groups.partition(SecurityGroup::is_default);
    if let Some(other) = others.first() {
        return Ok(in_use(project, &format!("security group {}", other.name)).into());
    }
    for group in default {
        gone(cloud.delete_security_group(&group.id).await)?;
    }
    Ok(Ready::Continue(()))
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
