//! When EC2 does not do what is asked.

use xos_sync_core::status::State;

use super::proxy::Fault;
use super::world::{World, message};

#[tokio::test(flavor = "multi_thread")]
async fn throttling_backs_off_and_heals() {
    let world = World::discovered("ap-southeast-4").await;
    for n in 0..3 {
        world.instance(&format!("web-{n}")).await;
    }
    // The client tries three times itself, with pauses; what is left reaches the rows.
    world.proxy.fail("RunInstances", [Fault::Throttle; 7]);
    let status = world
        .until("the error", |status| message(status, "Instance", State::Failed).is_some())
        .await;
    let said = message(&status, "Instance", State::Failed).unwrap();
    assert!(said.contains("RequestLimitExceeded"), "{said}");
    world.in_line().await;
    assert_eq!(world.proxy.calls("RunInstances"), 10, "seven refused, three carried out");
    assert_eq!(world.witness().living().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_is_said_and_nothing_is_lost() {
    let world = World::discovered("il-central-1").await;
    let (web, _) = (world.instance("web-1").await, world.instance("web-2").await);
    world.in_line().await;
    world.proxy.set_down(true);
    world.sql("UPDATE instances SET name = 'front-1' WHERE name = 'web-1'").await;
    world.instance("web-3").await;
    let said = world.failure("Instance").await;
    assert!(said.contains("http://127.0.0.1"), "says where: {said}");
    let shown = world.status().await.to_string();
    assert!(shown.contains("(transient, "), "{shown}");
    world.proxy.set_down(false);
    world.in_line().await;
    assert_eq!(world.witness().living().len(), 3);
    assert_eq!(world.get(web.id).await.name, "front-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_said_with_advice_and_heal() {
    let world = World::discovered("eu-central-2").await;
    world.instance("web-1").await;
    world.proxy.fail("*", [Fault::Forbid; 3]);
    let said = world.failure("Instance").await;
    assert!(
        said.contains("AuthFailure") && said.contains("check the Synchronizer's AWS credentials"),
        "{said}"
    );
    assert!(!said.contains("AKID") && !said.contains("secret"), "{said}");
    world.in_line().await;
    assert_eq!(world.witness().living().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_after_a_lost_answer_leaves_nothing() {
    let world = World::discovered("eu-south-2").await;
    world.proxy.fail("RunInstances", [Fault::LoseAnswer]);
    let web = world.instance("web-1").await;
    world.failure("Instance").await;
    world.delete(&web).await;
    world.in_line().await;
    assert_eq!(world.proxy.calls("RunInstances"), 1);
    assert!(world.witness().living().is_empty());
}
