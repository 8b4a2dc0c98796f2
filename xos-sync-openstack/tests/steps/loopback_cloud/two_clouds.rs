//! Two controllers at once.

use std::time::Duration;

use xos_sync_core::status::{State, Status};

use crate::proxy::Mood;
use crate::world::{World, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn each_cloud_is_brought_up_and_one_that_is_down_holds_up_nobody() {
    let world = World::new("two", 2).await;
    world.populate().await;
    world.file(&format!("{}.raw", world.name), "a disk");
    world.in_line().await;
    let (one, two) = (&world.sides[0], &world.sides[1]);
    for side in [one, two] {
        assert_eq!(side.projects().await.len(), 5);
        assert_eq!(side.users().await.len(), 3);
        assert_eq!((side.keys().await.len(), side.images().await.len()), (1, 1));
        assert_eq!(side.roles("lab_web").await.len(), 3);
    }
    assert_ne!(one.project("lab").await.id, two.project("lab").await.id);

    // The second controller's rows wait, also those of what is new; those of the first one do not.
    two.proxy.set(Mood::Down);
    for statement in [
        "UPDATE slices SET max_instances = 4",
        "INSERT INTO sites (name, login_base) VALUES ('New', 'new')",
        "INSERT INTO site_deployments (site_id, deployment_id, controller_id)
             SELECT s.id, c.deployment_id, c.id FROM sites AS s, controllers AS c
             WHERE s.login_base = 'new'",
        "INSERT INTO users (email, first_name, last_name, site_id)
             SELECT 'dora@x.example', 'dora', 'X', id FROM sites WHERE login_base = 'new'",
        "INSERT INTO slices (name, site_id, creator_id)
             SELECT 'new_web', site_id, id FROM users WHERE email = 'dora@x.example'",
        "INSERT INTO slice_privileges (user_id, slice_id, role_id)
             SELECT s.creator_id, s.id, r.id FROM slices AS s, slice_roles AS r
             WHERE s.name = 'new_web' AND r.role = 'admin'",
    ] {
        world.sql(statement).await;
    }
    world
        .until("the first cloud's are in line", |status: &Status| {
            let troubled = |model: &str| {
                let of_model = |it: &&xos_sync_core::status::ObjectStatus| {
                    it.model == model && it.state == State::Failed
                };
                status.objects.iter().filter(of_model).count()
            };
            let open = status.models.iter().flat_map(|model| model.counts.iter());
            let open: i64 = open
                .filter(|(state, _)| !matches!(state, State::Enacted | State::Goal))
                .map(|(_, count)| *count)
                .sum();
            // The new site's user, slice and privilege wait for it.
            troubled("ControllerSlice") == 3 && troubled("ControllerSite") == 1 && open == 7
        })
        .await;
    let web = one.project("lab_web").await;
    assert_eq!(one.admin.compute_quota(&web.id).await.unwrap().instances, Some(4));
    assert_eq!((one.projects().await.len(), two.projects().await.len()), (7, 5));
    let granted = pairs([("dora@x.example", "manager"), ("root", "admin")]);
    assert_eq!(one.roles("new_web").await, granted);

    two.proxy.set(Mood::Well);
    world.in_line().await;
    assert_eq!(two.projects().await.len(), 7);
    assert_eq!(two.roles("new_web").await, granted);
    let web = two.project("lab_web").await;
    assert_eq!(two.admin.compute_quota(&web.id).await.unwrap().instances, Some(4));

    // A site that leaves one controller stays on the other.
    world
        .sql(&format!(
            "DELETE FROM site_deployments WHERE controller_id =
             (SELECT id FROM controllers WHERE name = '{}')",
            two.controller
        ))
        .await;
    world.in_line().await;
    assert_eq!((one.projects().await.len(), two.projects().await.len()), (7, 0));
    assert_eq!((one.users().await.len(), two.users().await.len()), (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_holds_up_nobody_and_is_asked_by_few() {
    let mut world = World::new("hanging", 2).await;
    world.populate().await;
    world.in_line().await;
    // These clients have their tokens, and no call has hung yet.
    world.patience(Duration::from_secs(5));
    world.checked().await;
    let (one, two) = (&world.sides[0], &world.sides[1]);
    two.proxy.set(Mood::Hanging);
    world.take();
    // More than all steps together have calls under way.
    world
        .sql(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60)
             INSERT INTO slices (name, site_id, max_instances)
             SELECT 'lab_' || n, s.id, 3 FROM n, sites AS s WHERE s.login_base = 'lab'",
        )
        .await;
    world
        .until("the first cloud's are in line", |status: &Status| {
            let slices = status.models.iter().filter(|it| it.model == "ControllerSlice");
            let enacted: i64 = slices.filter_map(|it| it.counts.get(&State::Enacted)).sum();
            let said = status.objects.iter().filter_map(|it| it.message.as_ref());
            // Three slices on each were there before.
            enacted == 60 + 2 * 3
                && said.filter(|said| said.contains("did not answer those who asked")).count() > 0
        })
        .await;
    assert_eq!((one.projects().await.len(), two.projects().await.len()), (65, 5));
    let asked = two.proxy.take();
    assert!(asked.len() < 30, "{} calls to a cloud that hangs: {asked:?}", asked.len());

    two.proxy.set(Mood::Well);
    world.in_line().await;
    assert_eq!(two.projects().await.len(), 65);
}
