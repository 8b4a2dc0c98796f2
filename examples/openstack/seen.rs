//! What the cloud itself says that it has of ours.

use xos_sync_examples::Fallible;
use xos_sync_openstack::client::{
    AssignmentQuery, ImageQuery, NetworkQuery, ProjectQuery, RouterQuery, ServerQuery, UserQuery,
};
use xos_sync_openstack::steps::SYNCHRONIZER;

use crate::cloud::Cloud;

/// Shows what is there with the Synchronizer's mark.
pub(crate) async fn show(cloud: &Cloud) -> Fallible {
    let mark = format!("{SYNCHRONIZER}openstack");
    let tag = Some(mark.clone());
    let cloud = cloud.client();
    let projects = ProjectQuery { tag: tag.clone(), ..ProjectQuery::default() };
    let mut projects: Vec<_> =
        cloud.projects(&projects).all().await?.into_iter().map(|it| it.name).collect();
    projects.sort();
    let mut users = cloud.users(&UserQuery::default()).all().await?;
    users.retain(|user| user.description.as_ref().is_some_and(|text| text.contains(&mark)));
    let images = ImageQuery { tag: tag.clone(), ..ImageQuery::default() };
    let images = cloud.images(&images).all().await?.len();
    let networks = NetworkQuery { tag: tag.clone(), ..NetworkQuery::default() };
    let networks = cloud.networks(&networks).all().await?.len();
    let routers = RouterQuery { tag: tag.clone(), ..RouterQuery::default() };
    let routers = cloud.routers(&routers).all().await?.len();
    let servers = ServerQuery { tag, all_projects: Some(true), ..ServerQuery::default() };
    let servers = cloud.servers(&servers).all().await?.len();
    println!(
        "  the cloud says: projects: {}; {} accounts, {images} images, {networks} networks, {routers} routers, \
         {servers} servers",
        if projects.is_empty() { "none".to_owned() } else { projects.join(", ") },
        users.len()
    );
    Ok(())
}

/// Shows who has which role in the project of this name.
pub(crate) async fn roles(cloud: &Cloud, project: &str) -> Fallible {
    let cloud = cloud.client();
    let query = ProjectQuery {
        name: Some(project.to_owned()),
        tag: Some(format!("{SYNCHRONIZER}openstack")),
        ..ProjectQuery::default()
    };
    let (users, roles) =
        (cloud.users(&UserQuery::default()).all().await?, cloud.roles().all().await?);
    for found in cloud.projects(&query).all().await? {
        let query = AssignmentQuery { project_id: Some(found.id), ..AssignmentQuery::default() };
        let grants = cloud.assignments(&query).await?;
        let words = grants.iter().filter_map(|grant| {
            let user = users.iter().find(|user| user.id == grant.user_id)?;
            let role = roles.iter().find(|role| role.id == grant.role_id)?;
            Some(format!("{} as {}", user.name, role.name))
        });
        let mut words: Vec<_> = words.collect();
        words.sort();
        println!("  the cloud says: in {project}: {}", words.join(", "));
    }
    Ok(())
}
