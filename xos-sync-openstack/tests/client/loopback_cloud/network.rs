//! Neutron: networks, subnets, routers, ports, quota.

use xos_sync_openstack::client::{
    Cloud, ErrorKind, FixedIp, Gateway, Network, NetworkChange, NetworkQuery, NetworkQuota,
    NewNetwork, NewPort, NewRouter, NewSubnet, PortChange, PortQuery, RouterQuery,
    SecurityGroupQuery, Subnet, SubnetQuery, Tagged,
};

use crate::support::Loopback;

async fn network(cloud: &Cloud, mark: &str) -> Network {
    let (name, description) = ("n".to_owned(), mark.to_owned());
    cloud.create_network(&NewNetwork { name, description, ..NewNetwork::default() }).await.unwrap()
}

async fn subnet(cloud: &Cloud, network: &Network, cidr: &str, gateway: Gateway) -> Subnet {
    let wanted = NewSubnet {
        name: "s".to_owned(),
        description: network.description.clone(),
        network_id: network.id.clone(),
        cidr: cidr.to_owned(),
        gateway,
        ..NewSubnet::default()
    };
    cloud.create_subnet(&wanted).await.unwrap()
}

#[tokio::test]
async fn networks_and_subnets_are_made_found_changed_and_deleted() {
    let world = Loopback::new("network").await;
    let cloud = &world.cloud;
    let mark = format!("uid={} & more", world.name);
    let made = network(cloud, &mark).await;
    assert_eq!((&made.project_id, made.shared, made.external), (&world.project.id, false, false));
    cloud.set_tags(Tagged::Network(&made.id), &["a", &world.name]).await.unwrap();

    let by_mark = NetworkQuery { description: Some(mark.clone()), ..NetworkQuery::default() };
    let by_tag = NetworkQuery { tag: Some(world.name.clone()), ..NetworkQuery::default() };
    for query in [by_mark.clone(), by_tag] {
        let found = world.admin.networks(&query).all().await.unwrap();
        assert_eq!(
            found.iter().map(|found| &found.id).collect::<Vec<_>>(),
            [&made.id],
            "{query:?}"
        );
        assert_eq!(found[0].tags.len(), 2);
    }

    let first = subnet(cloud, &made, "10.1.0.0/24", Gateway::First).await;
    assert_eq!((first.gateway_ip.as_deref(), first.ip_version), (Some("10.1.0.1"), 4));
    let second = subnet(cloud, &made, "10.2.0.0/24", Gateway::At("10.2.0.9".to_owned())).await;
    assert_eq!(second.gateway_ip.as_deref(), Some("10.2.0.9"));
    let third = subnet(cloud, &made, "fd00:7::/64", Gateway::None).await;
    assert_eq!((third.gateway_ip, third.ip_version), (None, 6));
    let overlapping = NewSubnet {
        network_id: made.id.clone(),
        cidr: "10.1.0.128/25".to_owned(),
        ..NewSubnet::default()
    };
    let error = cloud.create_subnet(&overlapping).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.code().is_some() && error.request_id().is_some(), "{error}");
    let of_network = SubnetQuery { network_id: Some(made.id.clone()), ..SubnetQuery::default() };
    assert_eq!(cloud.subnets(&of_network).all().await.unwrap().len(), 3);
    let by_cidr = SubnetQuery { cidr: Some("10.2.0.0/24".to_owned()), ..of_network.clone() };
    assert_eq!(cloud.subnets(&by_cidr).all().await.unwrap()[0].id, second.id);
    cloud.delete_subnet(&second.id).await.unwrap();
    assert_eq!(cloud.subnets(&of_network).all().await.unwrap().len(), 2);

    let change = NetworkChange { name: Some("other".to_owned()), ..NetworkChange::default() };
    assert_eq!(cloud.update_network(&made.id, &change).await.unwrap().name, "other");
    cloud.delete_network(&made.id).await.unwrap();
    assert!(cloud.network(&made.id).await.unwrap_err().is_not_found());
    assert_eq!(cloud.networks(&by_mark).all().await.unwrap(), []);
    world.close().await;
}

#[tokio::test]
async fn a_router_leads_outside() {
    let world = Loopback::new("router").await;
    let cloud = &world.cloud;
    let outside = NewNetwork {
        name: world.name.clone(),
        external: Some(true),
        network_type: Some("flat".to_owned()),
        physical_network: Some(world.name.clone()),
        ..NewNetwork::default()
    };
    let outside = world.admin.create_network(&outside).await.unwrap();
    assert!(outside.external);
    subnet(&world.admin, &outside, "203.0.113.0/24", Gateway::First).await;
    let inside = network(cloud, &world.name).await;
    let addresses = subnet(cloud, &inside, "10.1.0.0/24", Gateway::First).await;

    let wanted = NewRouter {
        name: "r".to_owned(),
        description: world.name.clone(),
        external_network_id: Some(outside.id.clone()),
        ..NewRouter::default()
    };
    let router = cloud.create_router(&wanted).await.unwrap();
    assert_eq!(router.external_network_id(), Some(outside.id.as_str()));
    let query = RouterQuery { description: Some(world.name.clone()), ..RouterQuery::default() };
    assert_eq!(cloud.routers(&query).all().await.unwrap()[0].id, router.id);
    cloud.add_interface(&router.id, &addresses.id).await.unwrap();
    let twice = cloud.add_interface(&router.id, &addresses.id).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Invalid, "{twice}");
    let of_router = PortQuery { device_id: Some(router.id.clone()), ..PortQuery::default() };
    let ports = cloud.ports(&of_router).all().await.unwrap();
    let interface = ports.iter().find(|port| port.network_id == inside.id).unwrap();
    assert_eq!(interface.fixed_ips[0].ip_address.as_deref(), Some("10.1.0.1"));

    for used in [
        cloud.delete_router(&router.id).await,
        cloud.delete_network(&inside.id).await,
        cloud.delete_port(&interface.id).await,
    ] {
        let error = used.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    let closed = cloud.set_gateway(&router.id, None).await.unwrap();
    assert_eq!(closed.external_network_id(), None);
    let open = cloud.set_gateway(&router.id, Some(&outside.id)).await.unwrap();
    assert_eq!(open.external_network_id(), Some(outside.id.as_str()));

    cloud.remove_interface(&router.id, &addresses.id).await.unwrap();
    let gone = cloud.remove_interface(&router.id, &addresses.id).await.unwrap_err();
    assert!(gone.is_not_found(), "{gone}");
    cloud.delete_router(&router.id).await.unwrap();
    assert!(cloud.router(&router.id).await.unwrap_err().is_not_found());
    cloud.delete_network(&inside.id).await.unwrap();
    world.admin.delete_network(&outside.id).await.unwrap();
    world.close().await;
}

#[tokio::test]
async fn ports_have_addresses_and_listings_have_pages() {
    let world = Loopback::new("ports").await;
    let cloud = &world.cloud;
    let net = network(cloud, &world.name).await;
    let addresses = subnet(cloud, &net, "10.1.0.0/29", Gateway::First).await;
    let wanted = NewPort {
        name: "p".to_owned(),
        description: world.name.clone(),
        network_id: net.id.clone(),
        fixed_ips: Some(vec![FixedIp {
            subnet_id: Some(addresses.id.clone()),
            ip_address: Some("10.1.0.5".to_owned()),
        }]),
        ..NewPort::default()
    };
    let port = cloud.create_port(&wanted).await.unwrap();
    assert_eq!(port.fixed_ips[0].ip_address.as_deref(), Some("10.1.0.5"));
    assert_eq!((port.device_id.as_str(), port.mac_address.len()), ("", 17));
    let taken = cloud.create_port(&wanted).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict, "{taken}");

    cloud.set_tags(Tagged::Port(&port.id), &[&world.name]).await.unwrap();
    let by_tag = PortQuery { tag: Some(world.name.clone()), ..PortQuery::default() };
    let by_mark = PortQuery { description: Some(world.name.clone()), ..PortQuery::default() };
    for query in [by_tag, by_mark] {
        let found = world.admin.ports(&query).all().await.unwrap();
        assert_eq!(
            found.iter().map(|found| &found.id).collect::<Vec<_>>(),
            [&port.id],
            "{query:?}"
        );
    }
    let change = PortChange { name: Some("other".to_owned()), ..PortChange::default() };
    assert_eq!(cloud.update_port(&port.id, &change).await.unwrap().name, "other");

    // The gateway's, the one above, and four more: then none is free.
    let free = NewPort { network_id: net.id.clone(), ..NewPort::default() };
    for _ in 0..4 {
        cloud.create_port(&free).await.unwrap();
    }
    let full = cloud.create_port(&free).await.unwrap_err();
    assert_eq!(full.kind(), ErrorKind::Conflict, "{full}");
    let of_network = PortQuery { network_id: Some(net.id.clone()), ..PortQuery::default() };
    let ports = cloud.ports(&of_network).all().await.unwrap();
    assert_eq!(ports.len(), 5);
    for port in &ports {
        cloud.delete_port(&port.id).await.unwrap();
        assert!(cloud.delete_port(&port.id).await.unwrap_err().is_not_found());
    }
    cloud.delete_network(&net.id).await.unwrap();
    world.close().await;
}

#[tokio::test]
async fn a_test_that_fails_leaves_nothing() {
    let world = Loopback::new("fails").await;
    let outside = NewNetwork {
        name: format!("!{}", world.name),
        external: Some(true),
        network_type: Some("flat".to_owned()),
        physical_network: Some(world.name.clone()),
        ..NewNetwork::default()
    };
    let outside = world.admin.create_network(&outside).await.unwrap();
    subnet(&world.admin, &outside, "203.0.113.0/24", Gateway::First).await;
    let inside = network(&world.cloud, "").await;
    let addresses = subnet(&world.cloud, &inside, "10.1.0.0/24", Gateway::First).await;
    let router = NewRouter {
        name: "r".to_owned(),
        external_network_id: Some(outside.id.clone()),
        ..NewRouter::default()
    };
    let router = world.cloud.create_router(&router).await.unwrap();
    world.cloud.add_interface(&router.id, &addresses.id).await.unwrap();
    let (admin, name) = (Loopback::administrator(), world.name.clone());
    drop(world);
    assert_eq!(admin.domain(&name).await.unwrap(), None);
    for network in [outside, inside] {
        assert!(admin.network(&network.id).await.unwrap_err().is_not_found());
    }
}

#[tokio::test]
async fn a_network_quota_is_kept() {
    let world = Loopback::new("network-quota").await;
    let id = &world.project.id;
    let one = NetworkQuota { network: Some(1), ..NetworkQuota::default() };
    world.admin.set_network_quota(id, &one).await.unwrap();
    assert_eq!(world.admin.network_quota(id).await.unwrap().network, Some(1));
    let first = network(&world.cloud, "").await;
    let more = NewNetwork { name: "more".to_owned(), ..NewNetwork::default() };
    let error = world.cloud.create_network(&more).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error}");
    world.cloud.delete_network(&first.id).await.unwrap();
    world.admin.reset_network_quota(id).await.unwrap();
    assert_ne!(world.admin.network_quota(id).await.unwrap().network, Some(1));
    world.close().await;
}

#[tokio::test]
async fn the_security_group_of_a_project_is_found_and_deleted() {
    let world = Loopback::new("group").await;
    let project_ids = vec![world.project.id.clone()];
    let query = SecurityGroupQuery { project_ids, ..SecurityGroupQuery::default() };
    let found = world.admin.security_groups(&query).all().await.unwrap();
    assert_eq!(found.len(), 1, "Neutron has made it: {found:?}");
    assert_eq!((found[0].name.as_str(), &found[0].project_id), ("default", &world.project.id));
    world.admin.delete_security_group(&found[0].id).await.unwrap();
    let all =
        SecurityGroupQuery { name: Some("default".to_owned()), ..SecurityGroupQuery::default() };
    let left = world.admin.security_groups(&all).all().await.unwrap();
    assert!(!left.iter().any(|group| group.project_id == world.project.id), "{left:?}");
    let error = world.admin.delete_security_group(&found[0].id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    world.close().await;
}
