//! Keystone: projects, users, roles; and what these mean when a user calls.

use xos_sync_openstack::client::{
    Assignment, AssignmentQuery, Credentials, ErrorKind, Named, NewProject, NewUser, ProjectChange,
    ProjectQuery, Scope, ServerQuery, UserChange, UserQuery,
};

use crate::support::Loopback;

#[tokio::test]
async fn projects_are_made_found_changed_and_deleted() {
    let world = Loopback::new("projects").await;
    let admin = &world.admin;
    let domain_id = Some(world.domain.id.clone());
    let wanted = NewProject {
        name: "Größe & \"more\"".to_owned(),
        domain_id: domain_id.clone(),
        description: Some("a / b".to_owned()),
        tags: vec![format!("uid:{}", world.name), "xos-sync".to_owned()],
    };
    let made = admin.create_project(&wanted).await.unwrap();
    assert_eq!((&made.name, &made.domain_id), (&wanted.name, &domain_id));
    assert_eq!(made.description.as_deref(), Some("a / b"));
    assert!(made.enabled);

    let again = admin.create_project(&wanted).await.unwrap_err();
    assert_eq!((again.kind(), again.status()), (ErrorKind::Conflict, Some(409)), "{again}");
    assert!(again.request_id().is_some() && !again.outcome_unknown(), "{again}");

    let by_name = ProjectQuery {
        name: Some(wanted.name.clone()),
        domain_id: domain_id.clone(),
        ..ProjectQuery::default()
    };
    let by_tag =
        ProjectQuery { tag: Some(format!("uid:{}", world.name)), ..ProjectQuery::default() };
    for query in [by_name, by_tag] {
        let found = admin.projects(&query).all().await.unwrap();
        assert_eq!(
            found.iter().map(|found| &found.id).collect::<Vec<_>>(),
            [&made.id],
            "{query:?}"
        );
        assert_eq!(found[0].tags.len(), 2);
    }
    let none = ProjectQuery { tag: Some("no such tag".to_owned()), ..ProjectQuery::default() };
    assert_eq!(admin.projects(&none).all().await.unwrap(), []);

    let change = ProjectChange {
        enabled: Some(false),
        tags: Some(vec!["other".to_owned()]),
        ..ProjectChange::default()
    };
    admin.update_project(&made.id, &change).await.unwrap();
    let changed = admin.project(&made.id).await.unwrap();
    assert_eq!((changed.enabled, changed.tags), (false, vec!["other".to_owned()]));
    assert_eq!(changed.name, wanted.name);

    admin.delete_project(&made.id).await.unwrap();
    assert!(admin.project(&made.id).await.unwrap_err().is_not_found());
    assert!(admin.delete_project(&made.id).await.unwrap_err().is_not_found());
    world.close().await;
}

#[tokio::test]
async fn users_act_as_their_roles_allow_while_they_are_enabled() {
    let world = Loopback::new("users").await;
    let admin = &world.admin;
    let wanted = NewUser {
        name: "alice@example.org".to_owned(),
        domain_id: Some(world.domain.id.clone()),
        password: Some("first".into()),
        email: Some("alice@example.org".to_owned()),
        description: Some("uid".to_owned()),
        ..NewUser::default()
    };
    let user = admin.create_user(&wanted).await.unwrap();
    assert_eq!((user.email.as_ref(), user.enabled), (wanted.email.as_ref(), true));
    assert!(admin.create_user(&wanted).await.unwrap_err().is_conflict());
    let query = UserQuery {
        name: Some(wanted.name.clone()),
        domain_id: wanted.domain_id.clone(),
        ..UserQuery::default()
    };
    assert_eq!(admin.users(&query).all().await.unwrap(), std::slice::from_ref(&user));

    // Without a role in the project there is no token for it.
    let project = Scope::Project(world.project.id.clone());
    let credentials = |password: &str| Credentials::Password {
        user: wanted.name.clone(),
        domain: Named::Name(world.domain.name.clone()),
        password: password.into(),
    };
    let alice = admin.with_credentials(credentials("first"), project.clone());
    let refused = alice.identity().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthorized, "{refused}");

    let grant = Assignment {
        role_id: Loopback::role(admin, "member").await,
        user_id: user.id.clone(),
        project_id: world.project.id.clone(),
    };
    admin.grant(&grant).await.unwrap();
    admin.grant(&grant).await.unwrap();
    let of_alice = AssignmentQuery { user_id: Some(user.id.clone()), ..AssignmentQuery::default() };
    assert_eq!(admin.assignments(&of_alice).await.unwrap(), std::slice::from_ref(&grant));
    let in_project = AssignmentQuery {
        project_id: Some(world.project.id.clone()),
        ..AssignmentQuery::default()
    };
    assert_eq!(admin.assignments(&in_project).await.unwrap().len(), 2);
    let identity = alice.identity().await.unwrap();
    assert!(identity.roles.contains(&"member".to_owned()), "{identity:?}");
    assert_eq!(alice.servers(&ServerQuery::default()).all().await.unwrap(), []);
    let forbidden = alice.create_role("boss").await.unwrap_err();
    assert_eq!((forbidden.kind(), forbidden.status()), (ErrorKind::Forbidden, Some(403)));

    // A disabled user's token ends, as far as Keystone is asked: other services remember for minutes
    // what it said. So does an old password.
    assert_eq!(alice.user(&user.id).await.unwrap(), user);
    admin.disable_user(&user.id).await.unwrap();
    assert!(!admin.user(&user.id).await.unwrap().enabled);
    let ended = alice.user(&user.id).await.unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Unauthorized, "{ended}");
    admin.enable_user(&user.id).await.unwrap();
    let change = UserChange { password: Some("second".into()), ..UserChange::default() };
    admin.update_user(&user.id, &change).await.unwrap();
    let old = admin.with_credentials(credentials("first"), project.clone());
    assert_eq!(old.identity().await.unwrap_err().kind(), ErrorKind::Unauthorized);
    let new = admin.with_credentials(credentials("second"), project);
    assert_eq!(new.identity().await.unwrap().user_id, user.id);

    admin.revoke(&grant).await.unwrap();
    assert!(admin.revoke(&grant).await.unwrap_err().is_not_found());
    assert_eq!(admin.assignments(&of_alice).await.unwrap(), []);
    admin.delete_user(&user.id).await.unwrap();
    assert!(admin.user(&user.id).await.unwrap_err().is_not_found());
    world.close().await;
}

#[tokio::test]
async fn roles_are_made_and_deleted() {
    let world = Loopback::new("roles").await;
    let role = world.admin.create_role(&world.name).await.unwrap();
    assert!(world.admin.roles().all().await.unwrap().contains(&role));
    assert!(world.admin.create_role(&world.name).await.unwrap_err().is_conflict());
    world.admin.delete_role(&role.id).await.unwrap();
    assert!(!world.admin.roles().all().await.unwrap().contains(&role));
    world.close().await;
}
