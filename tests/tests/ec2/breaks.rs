//! What happens to instances behind our back.

use serde_json::json;

use super::proxy::Fault;
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_adopted_and_not_doubled() {
    let world = World::discovered("eu-central-1").await;
    world.proxy.fail("RunInstances", [Fault::LoseAnswer]);
    let web = world.instance("web-1").await;
    world.in_line().await;
    assert_eq!(world.proxy.calls("RunInstances"), 1);
    let (row, witness) = (world.get(web.id).await, world.witness());
    assert_eq!(witness.only()["id"].as_str(), row.instance_id.as_deref());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_the_uid_is_adopted() {
    let world = World::discovered("eu-north-1").await;
    let web = world.instance("web-1").await;
    let tags = json!([{"Key": "xos:uid", "Value": web.uid()}, {"Key": "xos:synchronizer", "Value": "ec2"}]);
    let made = world.moto.call(
        world.region,
        "run_instances",
        &json!({
            "ImageId": world.image().await.path, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1,
            "Placement": {"AvailabilityZone": "eu-north-1a"},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
        }),
    );
    world.in_line().await;
    assert_eq!(world.proxy.calls("RunInstances"), 0);
    let row = world.get(web.id).await;
    assert_eq!(row.instance_id.as_deref(), made["Instances"][0]["InstanceId"].as_str());
    assert_eq!(world.witness().only()["tags"]["Name"], "web-1", "what it lacked was added");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_instance_is_made_again_under_another_token() {
    let world = World::discovered("ap-south-1").await;
    let (web, job) = (world.instance("web-1").await, world.instance("job-1").await);
    world.in_line().await;
    let first = world.get(web.id).await;
    let id = first.instance_id.clone().unwrap();
    world.moto.call(world.region, "terminate_instances", &json!({ "InstanceIds": [id] }));
    world.checked().await;

    let second = world.get(web.id).await;
    assert_ne!(second.instance_id, first.instance_id);
    let witness = world.witness();
    assert_eq!(witness.living().len(), 2);
    let there = witness.living().into_iter().find(|it| it["tags"]["xos:uid"] == web.uid()).unwrap();
    assert_eq!(there["token"], format!("{}.{id}", web.uid()));
    assert_eq!(second.ip.as_deref(), there["ip"].as_str());
    assert_eq!(world.proxy.calls("RunInstances"), 3);
    let other = world.get(job.id).await;
    assert!(witness.living().iter().any(|it| it["id"].as_str() == other.instance_id.as_deref()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_instance_is_started() {
    let world = World::discovered("ap-southeast-1").await;
    let web = world.instance("web-1").await;
    world.in_line().await;
    let id = world.get(web.id).await.into_object().instance_id.unwrap();
    world.moto.call(world.region, "stop_instances", &json!({ "InstanceIds": [id] }));
    world.checked().await;
    let witness = world.witness();
    assert_eq!(
        (witness.only()["id"].as_str(), witness.only()["state"].as_str()),
        (Some(id.as_str()), Some("running"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_too_many_are_removed_and_the_recorded_one_stays() {
    let world = World::discovered("ap-southeast-2").await;
    let web = world.instance("web-1").await;
    world.in_line().await;
    let id = world.get(web.id).await.into_object().instance_id.unwrap();
    let tags = json!([{"Key": "xos:uid", "Value": web.uid()}, {"Key": "xos:synchronizer", "Value": "ec2"}]);
    let twin = json!({
        "ImageId": world.image().await.path, "InstanceType": "t3.micro", "MinCount": 2, "MaxCount": 2,
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
    });
    world.moto.call(world.region, "run_instances", &twin);
    // Not of this row: nobody touches it.
    let tags = json!([{"Key": "xos:uid", "Value": "another"}, {"Key": "xos:synchronizer", "Value": "ec2"}]);
    let stranger = json!({
        "ImageId": world.image().await.path, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1,
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
    });
    world.moto.call(world.region, "run_instances", &stranger);
    world.sql("UPDATE instances SET name = 'front-1'").await;
    world.in_line().await;
    let witness = world.witness();
    let ours: Vec<_> =
        witness.living().into_iter().filter(|it| it["tags"]["xos:uid"] == web.uid()).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0]["id"], id);
    assert_eq!(witness.living().len(), 2, "the stranger lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_of_another_row_is_left_alone() {
    let world = World::discovered("ap-southeast-3").await;
    let (web, job) = (world.instance("web-1").await, world.instance("job-1").await);
    world.in_line().await;
    let theirs = world.get(job.id).await.into_object().instance_id.unwrap();
    // Somebody has put the id of the one into the row of the other, and deletes that.
    let own = world.get(web.id).await.into_object().instance_id.unwrap();
    world.sql(&format!("UPDATE instances SET instance_id = '{theirs}' WHERE name = 'web-1'")).await;
    world.delete(&web).await;
    world.in_line().await;
    let witness = world.witness();
    assert_eq!(witness.only()["id"], theirs, "and {own} is terminated");
}
