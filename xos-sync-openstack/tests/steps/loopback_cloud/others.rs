//! What is not ours is left alone.

use xos_sync_core::status::State;
use xos_sync_openstack::client::{
    NewNetwork, NewProject, NewUser, ProjectChange, SecurityGroupQuery, UserChange,
};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_others_with_our_name_is_left_alone() {
    let world = World::new("others", 1).await;
    let (side, admin) = (world.side(), &world.side().admin);
    let project = NewProject {
        name: "lab".to_owned(),
        domain_id: Some(side.domain.id.clone()),
        description: Some("theirs".to_owned()),
        ..NewProject::default()
    };
    let project = admin.create_project(&project).await.unwrap();
    world.populate().await;
    let said = world.says("ControllerSite", State::Failed, "\"lab\"").await;
    assert!(said.contains("not of this object") && said.contains("`login_base`"), "{said}");
    let said = world.says("ControllerUser", State::Blocked, "ControllerSite").await;
    assert!(said.contains("not of this object"), "{said}");
    assert_eq!(admin.project(&project.id).await.unwrap(), project);
    assert_eq!(side.users().await, []);

    let change = ProjectChange { name: Some("theirs".to_owned()), ..ProjectChange::default() };
    let project = admin.update_project(&project.id, &change).await.unwrap();
    world.sql("UPDATE controller_sites_sync SET retry_at = NULL").await;
    world.in_line().await;
    for table in ["slices", "users", "sites"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
    world.in_line().await;
    assert_eq!(side.projects().await, [project]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_others_with_our_name_is_left_alone() {
    let world = World::new("account", 1).await;
    let (side, admin) = (world.side(), &world.side().admin);
    let user = NewUser {
        name: "alice@x.example".to_owned(),
        domain_id: Some(side.domain.id.clone()),
        ..NewUser::default()
    };
    let user = admin.create_user(&user).await.unwrap();
    world.populate().await;
    let said = world.says("ControllerUser", State::Failed, "\"alice@x.example\"").await;
    assert!(said.contains("not of this user") && said.contains("`email`"), "{said}");
    let said = world.says("ControllerSlicePrivilege", State::Blocked, "ControllerUser").await;
    assert!(said.contains("not of this user"), "{said}");
    assert_eq!(admin.user(&user.id).await.unwrap(), user);

    let change = UserChange { name: Some("theirs".to_owned()), ..UserChange::default() };
    let user = admin.update_user(&user.id, &change).await.unwrap();
    world.sql("UPDATE controller_users_sync SET retry_at = NULL").await;
    world.in_line().await;
    assert_eq!(side.roles("lab_web").await.len(), 3);
    for table in ["slices", "users"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
    world.in_line().await;
    assert_eq!(side.users().await, [user]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_with_things_of_others_in_it_waits_for_its_end() {
    let world = World::new("inhabited", 1).await;
    let (side, admin) = (world.side(), &world.side().admin);
    world.populate().await;
    world.in_line().await;
    let web = side.project("lab_web").await;
    let network = NewNetwork {
        name: "theirs".to_owned(),
        project_id: Some(web.id.clone()),
        ..NewNetwork::default()
    };
    let network = admin.create_network(&network).await.unwrap();
    world.sql("DELETE FROM slices").await;
    let said = world.says("ControllerSlice", State::Deleting, "network").await;
    assert!(
        said.contains("until the project lab_web is empty: it has the network theirs"),
        "{said}"
    );
    assert_eq!(side.project("lab_web").await.id, web.id);
    let group = admin.create_security_group("their own", &web.id).await.unwrap();
    admin.delete_network(&network.id).await.unwrap();
    world.sql("UPDATE controller_slices_sync SET retry_at = NULL").await;
    let said = world.says("ControllerSlice", State::Deleting, "security group").await;
    assert!(said.contains("it has the security group their own"), "{said}");
    admin.delete_security_group(&group.id).await.unwrap();
    world.sql("UPDATE controller_slices_sync SET retry_at = NULL").await;
    world.in_line().await;
    // Neutron made one by itself when there was a network.
    let named = SecurityGroupQuery { name: Some("default".to_owned()), ..Default::default() };
    let mut groups = admin.security_groups(&named).all().await.unwrap();
    groups.retain(|group| group.project_id == web.id);
    assert_eq!(groups, []);
    let names: Vec<_> = side.projects().await.into_iter().map(|project| project.name).collect();
    assert_eq!(names, ["hub", "lab"]);
}
