//! What a test has for itself on the loopback cloud: a domain, a user in it, a flavor, a way out.

use std::path::PathBuf;

use xos_sync_openstack::client::{
    Assignment, Cloud, CloudBuilder, NewFlavor, NewNetwork, NewProject, NewSubnet, NewUser,
};

pub(crate) const PASSWORD: &str = "the administrator's";

pub(crate) struct Own {
    pub(crate) admin: Cloud,
    /// Not the name of anything else in the cloud.
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) user: String,
    home: String,
    flavor: String,
    outside: String,
}

impl Own {
    pub(crate) async fn new() -> Self {
        let admin = CloudBuilder::from_file(&Self::file(), "loopback").unwrap().build().unwrap();
        let name = format!("crash-{}", std::process::id());
        let domain = admin.create_domain(&name).await.unwrap().id;
        let domain_id = Some(domain.clone());
        let home = NewProject {
            name: "home".to_owned(),
            domain_id: domain_id.clone(),
            ..NewProject::default()
        };
        let home = admin.create_project(&home).await.unwrap().id;
        let user = NewUser {
            name: "root".to_owned(),
            domain_id,
            password: Some(PASSWORD.into()),
            ..NewUser::default()
        };
        let user = admin.create_user(&user).await.unwrap().id;
        let roles = admin.roles().all().await.unwrap();
        let role_id = roles.into_iter().find(|role| role.name == "admin").unwrap().id;
        let grant = Assignment { role_id, user_id: user.clone(), project_id: home.clone() };
        admin.grant(&grant).await.unwrap();
        let flavor =
            NewFlavor { name: name.clone(), vcpus: 1, ram: 64, disk: 1, ..NewFlavor::default() };
        let flavor = admin.create_flavor(&flavor).await.unwrap().id;
        let outside = NewNetwork {
            // First by name.
            name: format!("!{name}"),
            external: Some(true),
            network_type: Some("flat".to_owned()),
            physical_network: Some(name.clone()),
            ..NewNetwork::default()
        };
        let outside = admin.create_network(&outside).await.unwrap().id;
        let subnet = NewSubnet {
            network_id: outside.clone(),
            cidr: "203.0.113.0/24".to_owned(),
            ..NewSubnet::default()
        };
        admin.create_subnet(&subnet).await.unwrap();
        Self { admin, name, domain, user, home, flavor, outside }
    }

    /// The path of the clouds.yaml of the cloud.
    pub(crate) fn file() -> PathBuf {
        let file = std::env::var_os("XOS_TEST_OPENSTACK");
        PathBuf::from(file.expect(
            "this test needs the loopback cloud, and XOS_TEST_OPENSTACK is not set: use `tests/run`, or set it to \
             what `tests/services/openstack start DIR` prints; `tests/run --without openstack` leaves it out",
        ))
    }

    /// Removes it, which needs that nothing is in it.
    pub(crate) async fn close(self) {
        let admin = &self.admin;
        admin.delete_network(&self.outside).await.unwrap();
        admin.delete_flavor(&self.flavor).await.unwrap();
        admin.delete_project(&self.home).await.unwrap();
        admin.delete_domain(&self.domain).await.unwrap();
    }
}
