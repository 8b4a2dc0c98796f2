//! From nothing to instances that run, and back.

use diesel::prelude::*;
use xos_sync_core::models::{NewInstance, images, slices};

use super::world::{KEY, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_state_is_brought_up_and_a_second_look_changes_nothing() {
    let world = World::discovered("us-east-1").await;
    let alice = world.user(Some(KEY)).await;
    let new = world.new_instance("web-1").await;
    let new = NewInstance {
        creator_id: Some(alice.id),
        user_data: Some("#cloud-config\n".to_owned()),
        ..new
    };
    let web = world.write(move |conn| new.insert(conn)).await;
    let job = world.instance("job-1").await;
    world.in_line().await;

    let witness = world.witness();
    assert_eq!(witness.living().len(), 2);
    for (row, key) in [(&web, true), (&job, false)] {
        let row = world.get(row.id).await;
        let there =
            witness.living().into_iter().find(|it| it["tags"]["xos:uid"] == row.uid()).unwrap();
        assert_eq!(there["id"], row.instance_id.clone().unwrap());
        assert_eq!(there["state"], "running");
        assert_eq!(there["type"], "t3.micro");
        assert_eq!(there["zone"], "us-east-1a");
        assert_eq!(there["image"], world.image().await.path.unwrap());
        assert_eq!(there["token"], row.uid());
        assert_eq!(there["ip"], row.ip.clone().unwrap());
        assert_eq!(there["tags"]["Name"], row.name);
        assert_eq!(there["tags"]["xos:synchronizer"], "ec2");
        assert_eq!(there["tags"]["xos:slice"], "lab_web");
        assert_eq!(there["key"].is_string(), key, "{there}");
        let volumes = witness.volumes.iter().filter(|it| it["tags"]["xos:uid"] == row.uid());
        assert!(volumes.count() > 0, "its volumes carry the uid: {:#?}", witness.volumes);
    }

    let (changes, calls) = (world.proxy.changes(), world.proxy.all_calls());
    assert_eq!(changes, 3, "one key pair, two instances");
    world.checked().await;
    assert_eq!(world.proxy.changes(), changes, "a second look only reads");
    assert!(world.proxy.all_calls() > calls, "but it does look");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_takes_the_instance_and_its_volumes() {
    let world = World::discovered("us-east-2").await;
    let (web, job) = (world.instance("web-1").await, world.instance("job-1").await);
    world.in_line().await;
    world.delete(&web).await;
    world.in_line().await;

    let witness = world.witness();
    assert_eq!(witness.only()["tags"]["xos:uid"], job.uid());
    assert!(witness.volumes.iter().all(|volume| volume["tags"]["xos:uid"] != web.uid()));

    // The slice takes its instances along.
    world.write(|conn| diesel::delete(slices::table).execute(conn)).await;
    world.in_line().await;
    let witness = world.witness();
    assert!(witness.living().is_empty() && witness.volumes.is_empty(), "{witness:#?}");
    let rows = world.status().await.models.iter().filter(|it| it.model == "Instance").count();
    assert_eq!(rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_what_is_gone_already_is_a_success() {
    let world = World::discovered("us-west-1").await;
    let web = world.instance("web-1").await;
    world.in_line().await;
    let id = world.get(web.id).await.into_object().instance_id.unwrap();
    world.moto.call(
        world.region,
        "terminate_instances",
        &serde_json::json!({ "InstanceIds": [id] }),
    );
    world.sql("UPDATE instances SET instance_id = 'i-00000000000000bad'").await;
    world.delete(&web).await;
    world.in_line().await;
    assert!(world.witness().living().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_image_is_said_and_heals_by_a_changed_goal() {
    let world = World::discovered("us-west-2").await;
    let good = world.image().await.path;
    world.sql("INSERT INTO images (name, path) VALUES ('ours', 'ami-00000000000000bad')").await;
    let web = world.instance("web-1").await;
    world.sql("UPDATE instances SET image_id = (SELECT id FROM images WHERE name = 'ours')").await;
    let said = world.failure("Image").await;
    assert!(said.contains("no image ami-00000000000000bad in region us-west-2"), "{said}");
    assert!(said.contains("`path`"), "says what to do: {said}");
    let shown = world.status().await.to_string();
    assert!(shown.contains("Instance web-1") && shown.contains("blocked by Image ours"), "{shown}");
    assert_eq!(world.proxy.calls("RunInstances"), 0);

    let change = move |conn: &mut _| {
        diesel::update(images::table.filter(images::name.eq("ours")))
            .set(images::path.eq(good.clone()))
            .execute(conn)
    };
    world.write(change).await;
    world.in_line().await;
    assert_eq!(world.witness().only()["tags"]["xos:uid"], web.uid());
}
