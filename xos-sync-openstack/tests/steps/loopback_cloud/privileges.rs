//! Roles that are given, moved and taken back.

use xos_sync_core::db::Engine;
use xos_sync_openstack::RoleNames;

use crate::loopback::Loopback;
use crate::world::{World, pairs};

const ALICE: &str = "(SELECT id FROM users WHERE email = 'alice@x.example')";

#[tokio::test(flavor = "multi_thread")]
async fn a_privilege_that_changes_leaves_nothing_behind() {
    change_and_delete(World::new("privileges", 1).await).await;
}

/// What the rows ask for is found out by SQL of the steps' own.
#[tokio::test(flavor = "multi_thread")]
async fn a_privilege_that_changes_leaves_nothing_behind_on_postgres() {
    change_and_delete(World::on(Engine::Postgres, "privileges", 1).await).await;
}

async fn change_and_delete(world: World) {
    let side = world.side();
    world.populate().await;
    world.in_line().await;
    // What others have given is theirs.
    side.admin.grant(&side.grant("bob@x.example", "reader", "lab_web").await).await.unwrap();
    let (bob, root) = (("bob@x.example", "default"), ("root", "admin"));
    let given = ("bob@x.example", "reader");

    // Another user's.
    world
        .sql(&format!(
            "UPDATE slice_privileges SET user_id = (SELECT id FROM users WHERE email LIKE 'carol%')
             WHERE user_id = {ALICE}"
        ))
        .await;
    world.in_line().await;
    let expected = [bob, given, ("carol@x.example", "manager"), root];
    assert_eq!(side.roles("lab_web").await, pairs(expected));

    // Another user's in another slice.
    world
        .sql(&format!(
            "UPDATE slice_privileges SET user_id = {ALICE},
                 slice_id = (SELECT id FROM slices WHERE name = 'lab_db')
             WHERE user_id = (SELECT id FROM users WHERE email LIKE 'carol%')"
        ))
        .await;
    world.in_line().await;
    assert_eq!(side.roles("lab_web").await, pairs([bob, given, root]));
    assert_eq!(side.roles("lab_db").await, pairs([("alice@x.example", "manager"), root]));

    // Another role.
    world
        .sql("UPDATE site_privileges SET role_id = (SELECT id FROM site_roles WHERE role = 'tech')")
        .await;
    world.in_line().await;
    assert_eq!(side.roles("lab").await, pairs([("alice@x.example", "tech")]));

    // Moved and deleted before anybody looked.
    world
        .sql(&format!(
            "UPDATE slice_privileges SET slice_id = (SELECT id FROM slices WHERE name = 'lab_job')
             WHERE user_id = {ALICE}"
        ))
        .await;
    world.sql(&format!("DELETE FROM slice_privileges WHERE user_id = {ALICE}")).await;
    world.sql("DELETE FROM site_privileges").await;
    world.in_line().await;
    assert_eq!(side.roles("lab").await, []);
    assert_eq!(side.roles("lab_db").await, pairs([root]));
    assert_eq!(side.roles("lab_job").await, pairs([root]));

    // Gone already.
    side.admin.revoke(&side.grant("bob@x.example", "default", "lab_web").await).await.unwrap();
    world.sql("DELETE FROM slice_privileges").await;
    world.in_line().await;
    assert_eq!(side.roles("lab_web").await, pairs([given, root]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_made_anew_is_granted_anew() {
    let mut world = World::new("anew", 1).await;
    // Not another test's role too: it is the whole cloud's.
    let pi = format!("{}-pi", world.name);
    world.role_names = RoleNames::new([("admin", "manager"), ("pi", pi.as_str())]);
    let side = world.side();
    world.populate().await;
    world.in_line().await;
    assert_eq!(side.roles("lab").await, pairs([("alice@x.example", pi.as_str())]));
    let old = Loopback::role(&side.admin, &pi).await;
    side.admin.delete_role(&old).await.unwrap();
    assert_eq!(side.roles("lab").await, []);
    world.checked().await;
    // The grants are found to be missing at the latest when the role is there again.
    world.checked().await;
    assert_eq!(side.roles("lab").await, pairs([("alice@x.example", pi.as_str())]));
    let new = Loopback::role(&side.admin, &pi).await;
    assert_ne!(new, old);
    side.admin.delete_role(&new).await.unwrap();
}
