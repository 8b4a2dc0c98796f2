//! Nova: flavors, hosts, key pairs, quota, and servers from the first to the last.

use std::collections::BTreeMap;

use xos_sync_openstack::client::{
    Attachment, ComputeQuota, ErrorKind, NewFlavor, NewNetwork, NewPort, NewServer, NewSubnet,
    NewUser, ServerQuery, ServerStatus,
};

use super::{delete, flavor, image, new_server, with_status};
use crate::support::{Loopback, eventually};

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X alice";

#[tokio::test]
async fn flavors_hosts_and_zones_are_listed() {
    let world = Loopback::new("flavors").await;
    let made = flavor(&world, "f").await;
    let found = world.cloud.flavors().all().await.unwrap();
    assert!(found.contains(&made) && made.is_public, "{found:?}");
    let same = NewFlavor { name: made.name.clone(), vcpus: 1, ram: 1, ..NewFlavor::default() };
    assert!(world.admin.create_flavor(&same).await.unwrap_err().is_conflict());
    world.admin.delete_flavor(&made.id).await.unwrap();
    assert!(world.admin.delete_flavor(&made.id).await.unwrap_err().is_not_found());

    let hypervisors = world.admin.hypervisors().all().await.unwrap();
    let mut hosts: Vec<_> = hypervisors.iter().map(|hypervisor| hypervisor.host()).collect();
    hosts.sort_unstable();
    assert_eq!(hosts, ["compute1", "compute2"]);
    assert!(hypervisors.iter().all(|hypervisor| hypervisor.is_usable()), "{hypervisors:?}");
    assert!(hypervisors.iter().all(|hypervisor| hypervisor.memory_mb > Some(1000)));
    let zones = world.cloud.availability_zones().await.unwrap();
    assert!(zones.iter().any(|zone| zone.name == "nova" && zone.is_available()), "{zones:?}");
    world.close().await;
}

#[tokio::test]
async fn key_pairs_belong_to_users() {
    let world = Loopback::new("keys").await;
    let user = NewUser {
        name: "alice".to_owned(),
        domain_id: Some(world.domain.id.clone()),
        ..NewUser::default()
    };
    let user = world.admin.create_user(&user).await.unwrap().id;
    let of = Some(user.as_str());
    let name = "alice's key / 1";
    let made = world.admin.create_key_pair("alice-1", PUBLIC_KEY, of).await.unwrap();
    assert_eq!((made.name.as_str(), made.public_key.as_str()), ("alice-1", PUBLIC_KEY));
    assert!(
        world.admin.create_key_pair("alice-1", PUBLIC_KEY, of).await.unwrap_err().is_conflict()
    );
    let bad = world.admin.create_key_pair("bad", "no key", of).await.unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::Invalid, "{bad}");
    assert!(world.admin.key_pair(name, of).await.unwrap_err().is_not_found());
    assert_eq!(world.admin.key_pairs(of).await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(world.admin.key_pair("alice-1", of).await.unwrap(), made);
    assert!(world.admin.key_pair("alice-1", None).await.unwrap_err().is_not_found());
    world.admin.delete_key_pair("alice-1", of).await.unwrap();
    assert!(world.admin.delete_key_pair("alice-1", of).await.unwrap_err().is_not_found());
    world.admin.delete_user(&user).await.unwrap();
    world.close().await;
}

#[tokio::test]
async fn a_compute_quota_is_kept() {
    let world = Loopback::new("quota").await;
    let id = &world.project.id;
    let none = ComputeQuota { instances: Some(0), ..ComputeQuota::default() };
    world.admin.set_compute_quota(id, &none).await.unwrap();
    let quota = world.admin.compute_quota(id).await.unwrap();
    assert_eq!(quota.instances, Some(0));
    assert!(quota.cores > Some(0));
    let (image, flavor) = (image(&world.cloud, "i").await, flavor(&world, "f").await);
    let error = world.cloud.create_server(&new_server("web", &image, &flavor)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error}");
    assert!(!error.outcome_unknown());
    world.admin.reset_compute_quota(id).await.unwrap();
    assert!(world.admin.compute_quota(id).await.unwrap().instances > Some(0));
    world.admin.delete_flavor(&flavor.id).await.unwrap();
    world.cloud.delete_image(&image.id).await.unwrap();
    world.close().await;
}

#[tokio::test]
async fn a_server_is_made_as_described_found_by_its_tag_and_deleted() {
    let world = Loopback::new("server").await;
    let cloud = &world.cloud;
    let (image, flavor) = (image(cloud, "i").await, flavor(&world, "f").await);
    let network = NewNetwork { name: "n".to_owned(), ..NewNetwork::default() };
    let network = cloud.create_network(&network).await.unwrap();
    let addresses = NewSubnet {
        network_id: network.id.clone(),
        cidr: "10.1.0.0/24".to_owned(),
        ..NewSubnet::default()
    };
    cloud.create_subnet(&addresses).await.unwrap();
    let port = NewPort { network_id: network.id.clone(), ..NewPort::default() };
    let port = cloud.create_port(&port).await.unwrap();
    let me = cloud.identity().await.unwrap().user_id;
    cloud.create_key_pair(&world.name, PUBLIC_KEY, None).await.unwrap();

    let wanted = NewServer {
        networks: vec![
            Attachment::Port(port.id.clone()),
            Attachment::Address { network: network.id.clone(), address: "10.1.0.77".to_owned() },
        ],
        key_name: Some(world.name.clone()),
        user_data: Some("#!/bin/sh\necho Größe\n".into()),
        host: Some("compute2".to_owned()),
        description: Some("a & b".to_owned()),
        metadata: BTreeMap::from([("xos:uid".to_owned(), world.name.clone())]),
        tags: vec![world.name.clone(), "xos-sync".to_owned()],
        ..new_server("web", &image, &flavor)
    };
    let id = cloud.create_server(&wanted).await.unwrap();
    // From the first moment.
    let by_tag = ServerQuery { tag: Some(world.name.clone()), ..ServerQuery::default() };
    assert_eq!(cloud.servers(&by_tag).all().await.unwrap()[0].id, id);

    with_status(cloud, &id, &ServerStatus::Active).await;
    // Nova learns of addresses from Neutron a moment later.
    let server = eventually("both addresses", async || {
        let server = cloud.server(&id).await?;
        Ok((server.addresses().count() == 2).then_some(server))
    })
    .await;
    assert_eq!((server.name.as_str(), &server.user_id), ("web", &me));
    assert_eq!(
        (server.image_id(), server.flavor_name()),
        (Some(image.id.as_str()), flavor.name.as_str())
    );
    assert_eq!((&server.key_name, &server.description), (&wanted.key_name, &wanted.description));
    assert_eq!((&server.metadata, server.tags.len()), (&wanted.metadata, 2));
    assert_eq!((server.host.as_deref(), &server.project_id), (Some("compute2"), &world.project.id));
    assert_eq!(server.availability_zone.as_deref(), Some("nova"));
    let mut found: Vec<_> = server.addresses().collect();
    found.sort_unstable();
    let of_port = port.fixed_ips[0].ip_address.as_deref().unwrap();
    let mut expected = [("n", of_port), ("n", "10.1.0.77")];
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(server.address("n").is_some() && server.address("other").is_none());
    assert_eq!(cloud.port(&port.id).await.unwrap().device_id, id);

    let everywhere = ServerQuery { all_projects: Some(true), ..by_tag.clone() };
    let found = world.admin.servers(&everywhere).all().await.unwrap();
    assert_eq!(found.iter().map(|it| &it.id).collect::<Vec<_>>(), [&server.id]);
    let elsewhere = world.admin.servers(&by_tag).all().await.unwrap();
    assert_eq!(elsewhere, [], "the administrator's own project has none");

    delete(cloud, &id).await;
    assert_eq!(cloud.servers(&by_tag).all().await.unwrap(), []);
    cloud.delete_port(&port.id).await.unwrap();
    cloud.delete_network(&network.id).await.unwrap();
    cloud.delete_key_pair(&world.name, None).await.unwrap();
    cloud.delete_image(&image.id).await.unwrap();
    world.admin.delete_flavor(&flavor.id).await.unwrap();
    world.close().await;
}
