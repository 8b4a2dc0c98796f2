//! Changes of sites, slices and users.

use xos_sync_core::status::State;
use xos_sync_openstack::client::{Cloud, Credentials, Scope};

use crate::proxy::changes;
use crate::world::World;

const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ0bX9vQ2sQx0l0r1mJ8yq3d1b2mZ5V7q2o9W8h4pXa alice";

/// Makes a change, and returns the changing calls that it led to, without ids.
async fn after(world: &World, statement: &str) -> Vec<String> {
    world.sql(statement).await;
    world.in_line().await;
    let calls = world.take();
    let resource = |call: &&String| call.split('/').take(3).collect::<Vec<_>>().join("/");
    changes(&calls).iter().map(resource).collect()
}

async fn logs_in(admin: &Cloud, id: &str, password: &str) -> bool {
    let credentials = Credentials::UserId { id: id.to_owned(), password: password.into() };
    admin.with_credentials(credentials, Scope::Given).identity().await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_and_slices_are_followed() {
    let world = World::new("changes", 1).await;
    let side = world.side();
    world.populate().await;
    world.in_line().await;
    let (lab, web) = (side.project("lab").await, side.project("lab_web").await);
    world.take();

    let change = "UPDATE slices SET max_instances = 3 WHERE name = 'lab_web'";
    assert_eq!(after(&world, change).await, ["PUT /v2.1/os-quota-sets"]);
    let quota = side.admin.compute_quota(&web.id).await.unwrap();
    assert_eq!(quota.instances, Some(3));

    let change = "UPDATE slices SET name = 'lab_www', description = NULL WHERE name = 'lab_web'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/projects"]);
    let renamed = side.project("lab_www").await;
    assert_eq!((&renamed.id, renamed.description.as_deref()), (&web.id, Some("")));

    let change = "UPDATE slices SET enabled = false WHERE name = 'lab_www'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/projects"]);
    assert!(!side.project("lab_www").await.enabled);

    let change = "UPDATE sites SET login_base = 'lab2', name = 'Lab 2' WHERE login_base = 'lab'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/projects"]);
    let renamed = side.project("lab2").await;
    assert_eq!((renamed.id, renamed.description.as_deref()), (lab.id, Some("Lab 2")));

    // What Keystone does not know makes no call that changes something.
    assert_eq!(after(&world, "UPDATE sites SET latitude = 50").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_followed() {
    let world = World::new("users", 1).await;
    let side = world.side();
    world.populate().await;
    world.in_line().await;
    let alice = side.user("alice@x.example").await;
    assert!(logs_in(&side.admin, &alice.id, "first").await);
    world.take();

    let none = Vec::<String>::new();
    assert_eq!(after(&world, "UPDATE users SET last_name = 'Y'").await, none);
    assert!(logs_in(&side.admin, &alice.id, "first").await, "the password is not set again");

    let change = "UPDATE users SET password = 'second' WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/users"]);
    assert!(logs_in(&side.admin, &alice.id, "second").await);
    assert!(!logs_in(&side.admin, &alice.id, "first").await);

    // A password that comes while the account is disabled is set when it is enabled.
    let change = "UPDATE users SET is_active = false WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/users"]);
    assert!(!side.user("alice@x.example").await.enabled);
    let change = "UPDATE users SET password = 'third' WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, none);
    let change = "UPDATE users SET is_active = true WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/users"]);
    assert!(logs_in(&side.admin, &alice.id, "third").await);

    // One that is taken away does not log in any more, nor after the account was disabled meanwhile.
    let taken = "UPDATE users SET password = NULL WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, taken).await, ["PATCH /v3/users"]);
    assert!(!logs_in(&side.admin, &alice.id, "third").await);
    assert_eq!(after(&world, "UPDATE users SET last_name = 'Z'").await, none, "once is enough");
    let change = "UPDATE users SET password = 'fourth' WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/users"]);
    assert!(logs_in(&side.admin, &alice.id, "fourth").await);
    let change = "UPDATE users SET is_active = false WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/users"]);
    assert_eq!(after(&world, taken).await, ["PATCH /v3/users"]);
    let change = "UPDATE users SET is_active = true WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/users"]);
    assert!(!logs_in(&side.admin, &alice.id, "fourth").await);

    let change = "UPDATE users SET email = 'al@x.example' WHERE email = 'alice@x.example'";
    assert_eq!(after(&world, change).await, ["PATCH /v3/users"]);
    let renamed = side.user("al@x.example").await;
    assert_eq!((renamed.id, renamed.email.as_deref()), (alice.id, Some("al@x.example")));

    let (name, _) = side.keys().await.remove(0);
    let change = format!("UPDATE users SET public_key = '{OTHER}' WHERE email = 'al@x.example'");
    let replaced = ["DELETE /v2.1/os-keypairs", "POST /v2.1/os-keypairs"];
    assert_eq!(after(&world, &change).await, replaced);
    assert_eq!(side.keys().await, [(name, OTHER.to_owned())]);

    world.sql("UPDATE users SET public_key = 'under the mat' WHERE email = 'bob@x.example'").await;
    let said = world.says("ControllerUser", State::Failed, "the public key of bob@x.example").await;
    assert!(said.contains("`public_key`"), "{said}");

    let change = "UPDATE users SET public_key = NULL";
    assert_eq!(after(&world, change).await.last().unwrap(), "DELETE /v2.1/os-keypairs");
    assert_eq!(side.keys().await, []);
}
