//! What was made though nobody learnt of it is found again, and nothing is made twice.

use xos_sync_openstack::client::{NewImage, NewProject, NewUser};

use crate::world::{World, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_makes_nothing_twice() {
    let world = World::new("lost", 1).await;
    let side = world.side();
    world.populate().await;
    world.file(&format!("{}.raw", world.name), "a disk");
    for call in [
        "POST /v3/projects",
        "POST /v3/projects",
        "POST /v3/users",
        "POST /v3/users",
        "POST /v2.1/os-keypairs",
        "PUT /v3/projects",
        "PUT /v2.1/os-quota-sets",
        "POST /v2/images",
        "PUT /v2/images",
    ] {
        side.proxy.lose(call);
    }
    world.in_line().await;
    let names: Vec<_> = side.projects().await.into_iter().map(|project| project.name).collect();
    assert_eq!(names, ["hub", "lab", "lab_db", "lab_job", "lab_web"]);
    assert_eq!(side.users().await.len(), 3);
    assert_eq!(side.keys().await.len(), 1);
    assert_eq!(side.images().await.len(), 1);
    assert_eq!(side.roles("lab").await, pairs([("alice@x.example", "pi")]));
    let made = world.take();
    let made = |call: &str| made.iter().filter(|it| it.starts_with(call)).count();
    assert_eq!(made("POST /v3/projects"), 5);
    assert_eq!(made("POST /v3/users"), 3);

    // Deletions too.
    for call in ["DELETE /v3/projects", "DELETE /v3/users", "DELETE /v2/images"] {
        side.proxy.lose(call);
    }
    std::fs::remove_file(world.file(&format!("{}.raw", world.name), "")).unwrap();
    for table in ["slices", "users", "sites", "images"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
    world.in_line().await;
    assert_eq!((side.projects().await, side.users().await), (vec![], vec![]));
    assert_eq!((side.images().await, side.keys().await), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_carries_the_marks_is_adopted() {
    let world = World::new("adopted", 1).await;
    let (side, admin) = (world.side(), &world.side().admin);
    world.populate().await;
    let file = world.file(&format!("{}.raw", world.name), "a disk");
    let uid = async |table: &str, query: &str| {
        let uid = world
            .word(&format!(
                "SELECT b.uid AS word FROM {table}_sync AS b JOIN {table} AS c ON c.id = b.object_id {query}"
            ))
            .await;
        vec![format!("xos-uid={uid}"), "xos-synchronizer=openstack".to_owned()]
    };
    let domain_id = || Some(side.domain.id.clone());
    let project = NewProject {
        name: "what it was called before".to_owned(),
        domain_id: domain_id(),
        tags: uid(
            "controller_sites",
            "JOIN sites AS s ON s.id = c.site_id WHERE login_base = 'lab'",
        )
        .await,
        ..NewProject::default()
    };
    let project = admin.create_project(&project).await.unwrap();
    let of_user =
        |name: &str| format!("JOIN users AS u ON u.id = c.user_id WHERE email LIKE '{name}%'");
    let mut users = Vec::new();
    for name in ["alice", "bob"] {
        let user = NewUser {
            name: format!("{name}@x.example"),
            domain_id: domain_id(),
            description: Some(uid("controller_users", &of_user(name)).await.join(" ")),
            ..NewUser::default()
        };
        users.push(admin.create_user(&user).await.unwrap());
    }
    // Renamed since the answer was lost.
    world.sql("UPDATE users SET email = 'robert@x.example' WHERE email LIKE 'bob%'").await;
    world.sql(&format!(
        "INSERT INTO images (name, path, disk_format, container_format) VALUES ('{}', '{}', 'RAW', 'BARE')",
        world.name, file.display()
    )).await;
    let queued = NewImage {
        name: world.name.clone(),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        owner: Some(side.home.id.clone()),
        tags: uid("controller_images", "").await,
        ..NewImage::default()
    };
    let queued = admin.create_image(&queued).await.unwrap();

    world.in_line().await;
    assert_eq!(side.project("lab").await.id, project.id);
    assert_eq!(side.user("alice@x.example").await.id, users[0].id);
    assert_eq!(side.user("robert@x.example").await.id, users[1].id);
    assert_eq!((side.projects().await.len(), side.users().await.len()), (5, 3));
    // An upload that broke off is of no use.
    let images = side.images().await;
    assert_eq!(images.len(), 1, "{images:#?}");
    assert!(images[0].is_active() && images[0].id != queued.id);
}
