//! What others change in the cloud is put right.

use xos_sync_openstack::client::{ProjectChange, UserChange};

use crate::proxy::changes;
use crate::world::{World, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_behind_our_back_is_put_right() {
    let world = World::new("drift", 1).await;
    let (side, admin) = (world.side(), &world.side().admin);
    world.populate().await;
    world.file(&format!("{}.raw", world.name), "a disk");
    world.in_line().await;
    let (before, users) = (side.projects().await, side.users().await);
    let roles = side.roles("lab_web").await;

    let change = ProjectChange {
        name: Some("other".to_owned()),
        enabled: Some(false),
        tags: Some(vec!["theirs".to_owned()]),
        ..ProjectChange::default()
    };
    admin.update_project(&side.project("lab").await.id, &change).await.unwrap();
    admin.revoke(&side.grant("alice@x.example", "manager", "lab_web").await).await.unwrap();
    admin.revoke(&side.grant("root", "admin", "lab_web").await).await.unwrap();
    admin.disable_user(&side.user("bob@x.example").await.id).await.unwrap();
    let change = UserChange { name: Some("c".to_owned()), ..UserChange::default() };
    admin.update_user(&side.user("carol@x.example").await.id, &change).await.unwrap();
    admin.delete_key_pair(&side.keys().await[0].0, Some(&side.own.id)).await.unwrap();
    let image = side.images().await.remove(0).id;
    admin.delete_image(&image).await.unwrap();

    world.checked().await;
    assert_eq!(side.users().await, users);
    assert_eq!(side.roles("lab_web").await, roles);
    assert_eq!(side.keys().await.len(), 1);
    let images = side.images().await;
    assert_eq!(images.len(), 1);
    assert_ne!(images[0].id, image);
    let mut after = side.projects().await;
    let lab = after.iter_mut().find(|project| project.name == "lab").unwrap();
    lab.tags.retain(|tag| tag != "theirs");
    after.iter_mut().for_each(|project| project.tags.sort());
    let mut before = before;
    before.iter_mut().for_each(|project| project.tags.sort());
    assert_eq!(after, before);
    world.take();
    world.checked().await;
    assert_eq!(changes(&world.take()), Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_behind_our_back_is_made_anew() {
    let world = World::new("gone", 1).await;
    let (side, admin) = (world.side(), &world.side().admin);
    world.populate().await;
    world.in_line().await;
    let (lab, web) = (side.project("lab").await, side.project("lab_web").await);
    let (alice, bob) = (side.user("alice@x.example").await, side.user("bob@x.example").await);
    admin.delete_project(&lab.id).await.unwrap();
    admin.delete_project(&web.id).await.unwrap();
    admin.delete_user(&alice.id).await.unwrap();
    world.checked().await;
    // Roles in what is new are found to be missing by the next look.
    world.checked().await;
    assert_ne!(side.project("lab").await.id, lab.id);
    assert_ne!(side.user("alice@x.example").await.id, alice.id);
    assert_eq!(side.user("bob@x.example").await, bob);
    assert_eq!(side.roles("lab").await, pairs([("alice@x.example", "pi")]));
    let expected =
        [("alice@x.example", "manager"), ("bob@x.example", "default"), ("root", "admin")];
    assert_eq!(side.roles("lab_web").await, pairs(expected));

    // What is gone already is deleted without a word.
    for project in side.projects().await {
        admin.delete_project(&project.id).await.unwrap();
    }
    for user in side.users().await {
        admin.delete_user(&user.id).await.unwrap();
    }
    for table in ["slices", "users", "sites"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
    world.in_line().await;
    assert_eq!(side.keys().await, []);
}
