//! From nothing to projects, users, roles and images, and back.

use crate::proxy::changes;
use crate::world::{World, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_state_is_brought_up_looked_at_and_taken_down() {
    let world = World::new("up", 1).await;
    let side = world.side();
    world.populate().await;
    let image = format!("{}.raw", world.name);
    world.file(&image, "a disk");
    world.in_line().await;

    let projects = side.projects().await;
    let names: Vec<_> = projects.iter().map(|project| project.name.as_str()).collect();
    assert_eq!(names, ["hub", "lab", "lab_db", "lab_job", "lab_web"]);
    for (table, thing, name, description) in [
        ("controller_sites", "sites AS t ON t.id = c.site_id", "lab", "The Lab"),
        ("controller_slices", "slices AS t ON t.id = c.slice_id", "lab_web", "for web"),
    ] {
        let project = side.project(name).await;
        let column = if table.contains("sites") { "t.login_base" } else { "t.name" };
        let of = |what| {
            format!(
                "SELECT {what} AS word FROM {table} AS c JOIN {table}_sync AS b ON b.object_id = c.id
                 JOIN {thing} WHERE {column} = '{name}'"
            )
        };
        assert_eq!(project.id, world.word(&of("c.tenant_id")).await);
        let uid = format!("xos-uid={}", world.word(&of("b.uid")).await);
        let mut tags = project.tags.clone();
        tags.sort();
        assert_eq!(tags, ["xos-synchronizer=openstack".to_owned(), uid]);
        assert_eq!(project.description.as_deref(), Some(description));
        assert!(project.enabled);
    }
    let web = side.project("lab_web").await;
    assert_eq!(side.admin.compute_quota(&web.id).await.unwrap().instances, Some(7));

    let users = side.users().await;
    let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["alice@x.example", "bob@x.example", "carol@x.example"]);
    for user in &users {
        let of = |what| {
            format!(
                "SELECT {what} AS word FROM controller_users AS c JOIN users AS u ON u.id = c.user_id
                 JOIN controller_users_sync AS b ON b.object_id = c.id
                 WHERE u.email = '{}'",
                user.name
            )
        };
        assert_eq!(user.id, world.word(&of("c.kuser_id")).await);
        let has_password = if user.name.starts_with("alice") { " xos-password=set" } else { "" };
        let uid = world.word(&of("b.uid")).await;
        let marks = format!("xos-uid={uid} xos-synchronizer=openstack{has_password}");
        assert_eq!(user.description.as_ref(), Some(&marks));
        assert_eq!((user.enabled, user.email.as_ref()), (true, Some(&user.name)));
    }
    let alice = world
        .word(
            "SELECT b.uid AS word FROM users AS u JOIN users_sync AS b ON b.object_id = u.id
             WHERE email LIKE 'alice%'",
        )
        .await;
    let keys = side.keys().await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!(keys[0].0, format!("xos-{alice}"));

    assert_eq!(side.roles("lab").await, pairs([("alice@x.example", "pi")]));
    // Keystone's `admin` would be the whole cloud's.
    let expected =
        [("alice@x.example", "manager"), ("bob@x.example", "default"), ("root", "admin")];
    assert_eq!(side.roles("lab_web").await, pairs(expected));

    let images = side.images().await;
    assert_eq!(images.len(), 1, "{images:?}");
    assert_eq!(images[0].name.as_ref(), Some(&world.name));
    assert_eq!((images[0].status.as_str(), images[0].visibility.as_str()), ("active", "public"));
    assert_eq!((images[0].disk_format.as_deref(), images[0].size), (Some("raw"), Some(6)));
    let recorded = world.word("SELECT glance_image_id AS word FROM controller_images").await;
    assert_eq!(images[0].id, recorded);

    let made = world.take();
    for (call, times) in [
        ("POST /v3/projects", 5),
        ("POST /v3/users", 3),
        ("POST /v2/images", 1),
        ("PUT /v2/images", 1),
        ("POST /v2.1/os-keypairs", 1),
        ("PUT /v2.1/os-quota-sets", 3),
        ("PUT /v3/projects", 6),
        ("PATCH", 0),
        ("DELETE", 0),
    ] {
        let found: Vec<_> = made.iter().filter(|it| it.starts_with(call)).collect();
        assert_eq!(found.len(), times, "{call}: {found:#?}");
    }

    world.checked().await;
    let calls = world.take();
    assert_eq!(changes(&calls), Vec::<&String>::new(), "a second look only reads");
    // Roles for two models, projects for two, accounts and keys, images twice, our own grants, those of
    // each of three roles, flavors and hosts: the number of rows does not matter.
    assert_eq!(calls.len(), 2 + 2 + 2 + 2 + 1 + 3 + 2, "{calls:#?}");

    // All rows again, as after an upgrade: reads, and no more.
    for table in ["sites", "slices", "users", "images", "site_privileges", "slice_privileges"] {
        world.sql(&format!("UPDATE controller_{table}_sync SET updated = updated + 1")).await;
    }
    world.in_line().await;
    let calls = world.take();
    assert_eq!(changes(&calls), Vec::<&String>::new());
    // One for each site, image and privilege, two for each user, three for each slice.
    assert_eq!(calls.len(), 2 + 1 + 3 + 2 * 3 + 3 * 3, "{calls:#?}");

    std::fs::remove_file(world.file(&image, "")).unwrap();
    for table in ["slice_privileges", "slices", "users", "sites", "images"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
    world.in_line().await;
    assert_eq!(side.projects().await, []);
    assert_eq!(side.users().await, []);
    assert_eq!(side.images().await, []);
    assert_eq!(side.keys().await, []);
    assert_eq!(world.words("SELECT uid AS word FROM controller_users_sync").await, []);
}
