//! Two controllers at once.

use xos_sync_core::status::{State, Status};

use crate::world::World;

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

    // Two rows of each wait; those of the first controller do not.
    two.proxy.set_down(true);
    world.sql("UPDATE slices SET max_instances = 4").await;
    world.sql("INSERT INTO sites (name, login_base) VALUES ('New', 'new')").await;
    world
        .sql(
            "INSERT INTO site_deployments (site_id, deployment_id, controller_id)
             SELECT s.id, c.deployment_id, c.id FROM sites AS s, controllers AS c
             WHERE s.login_base = 'new'",
        )
        .await;
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
                .map(|(_, count)| i64::try_from(*count).unwrap())
                .sum();
            troubled("ControllerSlice") == 3 && troubled("ControllerSite") == 1 && open == 4
        })
        .await;
    let web = one.project("lab_web").await;
    assert_eq!(one.admin.compute_quota(&web.id).await.unwrap().instances, Some(4));
    assert_eq!((one.projects().await.len(), two.projects().await.len()), (6, 5));

    two.proxy.set_down(false);
    world.in_line().await;
    assert_eq!(two.projects().await.len(), 6);
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
    assert_eq!((one.projects().await.len(), two.projects().await.len()), (6, 0));
    assert_eq!((one.users().await.len(), two.users().await.len()), (3, 3));
}
