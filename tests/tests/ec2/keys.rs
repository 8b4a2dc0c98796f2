//! Key pairs of users.

use serde_json::json;

use super::world::{KEY, World};

const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ0bX9vQ2sQx0l0r1mJ8yq3d1b2mZ5V7q2o9W8h4pXa alice";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pair_follows_its_users_key() {
    let world = World::discovered("ca-central-1").await;
    let alice = world.user(Some(KEY)).await;
    world.in_line().await;
    let keys = world.witness().keys;
    let name = format!("xos-{}", alice.uid());
    assert_eq!(keys.len(), 1, "{keys:#?}");
    assert_eq!(keys[0]["name"], name);
    assert!(keys[0]["key"].as_str().unwrap().starts_with(&KEY[..60]));
    assert_eq!(keys[0]["tags"]["Name"], "alice@lab.example");
    assert_eq!(world.get(alice.id).await.key_name, Some(name.clone()));

    // Another name of the user changes nothing there.
    let changes = world.proxy.changes();
    world.sql("UPDATE users SET last_name = 'B'").await;
    world.in_line().await;
    assert_eq!(world.proxy.changes(), changes);

    world.sql(&format!("UPDATE users SET public_key = '{OTHER}'")).await;
    world.in_line().await;
    let keys = world.witness().keys;
    assert_eq!(keys.len(), 1, "{keys:#?}");
    assert!(keys[0]["key"].as_str().unwrap().starts_with(&OTHER[..60]));

    // Deleted behind our back, it is put back.
    world.moto.call(world.region, "delete_key_pair", &json!({ "KeyName": name }));
    world.checked().await;
    assert_eq!(world.witness().keys.len(), 1);

    world.sql("UPDATE users SET public_key = NULL").await;
    world.in_line().await;
    assert!(world.witness().keys.is_empty());
    assert_eq!(world.get(alice.id).await.key_name, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_added_again_has_another_key_pair() {
    let world = World::discovered("sa-east-1").await;
    let first = world.user(Some(KEY)).await;
    world.in_line().await;
    world.sql("DELETE FROM users").await;
    let second = world.user(Some(KEY)).await;
    world.in_line().await;
    let keys = world.witness().keys;
    assert_eq!(keys.len(), 1, "{keys:#?}");
    assert_eq!(keys[0]["name"], format!("xos-{}", second.uid()));
    assert_ne!(first.uid(), second.uid());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_said() {
    let world = World::discovered("me-south-1").await;
    world.user(Some("my key is under the mat")).await;
    let said = world.failure("User").await;
    assert!(
        said.contains("the public key of alice@lab.example") && said.contains("`public_key`"),
        "{said}"
    );
    assert_eq!(world.proxy.changes(), 0);
}
