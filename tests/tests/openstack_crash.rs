//! kill -9 of the real `openstack` example at random instants while it makes and deletes everything for a set
//! of instances: in the end there is one of each thing for each row and none too many, and then nothing.
//!
//! `XOS_CRASH_INSTANCES=20 XOS_CRASH_KILLS=30 cargo test --test openstack_crash` is the long run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "openstack/goal.rs"]
mod goal;
#[path = "openstack/killed.rs"]
mod killed;
#[path = "openstack/own.rs"]
mod own;
#[path = "openstack/witness.rs"]
mod witness;

use goal::Goal;
use killed::Killed;
use own::Own;
use witness::Witness;
use xos_sync_tests::number;

#[tokio::test(flavor = "multi_thread")]
async fn loopback_cloud_has_one_of_each_thing_and_then_none_whenever_it_is_killed() {
    let (instances, kills) = (number("XOS_CRASH_INSTANCES", 6), number("XOS_CRASH_KILLS", 3));
    let own = Own::new().await;
    let goal = Goal::write(&own, instances).await;
    let mut killed = Killed::new(&goal);

    killed.at_random(kills).await;
    killed.left_to_finish().await;
    let there = Witness::look(&own);
    one_of_each(&goal, &there, instances).await;
    println!("there is one of each: {there}");

    goal.delete_all().await;
    killed.at_random(kills).await;
    killed.left_to_finish().await;
    let nothing = Witness {
        projects: vec!["home".to_owned()],
        users: vec!["root".to_owned()],
        ..Witness::default()
    };
    assert_eq!(Witness::look(&own), nothing);
    assert_eq!(goal.left().await, Vec::<String>::new(), "rows");
    println!("{killed}");
    own.close().await;
}

/// What the cloud has is what the rows say, by the ids that are recorded: nothing lacks, and nothing is there
/// twice.
async fn one_of_each(goal: &Goal, there: &Witness, instances: usize) {
    assert_eq!(there.servers, goal.ids("instances", "instance_id").await, "servers");
    assert_eq!((there.servers.len(), there.active), (instances, instances));
    for (things, column, number) in [
        (&there.networks, "net_id", 4),
        (&there.subnets, "subnet_id", 4),
        (&there.routers, "router_id", 1),
    ] {
        assert_eq!(*things, goal.ids("controller_networks", column).await, "{column}");
        assert_eq!(things.len(), number, "{column}");
    }
    assert_eq!(there.ports, goal.ids("ports", "port_id").await, "ports");
    // Two for each instance by itself, and the two that a person has added.
    assert_eq!((there.ports.len(), there.interfaces.len()), (2 * instances + 2, 1));
    assert_eq!(there.images, goal.ids("controller_images", "glance_image_id").await, "images");
    assert_eq!((there.images.len(), there.keys), (1, 2));
    assert_eq!(there.projects, ["crash", "crash_a", "crash_b", "home"]);
    assert_eq!(there.users, ["alice@x.example", "bob@x.example", "root"]);
}
