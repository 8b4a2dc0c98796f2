//! The rows that a goal state here begins with, and what other steps would make for them.

use diesel::prelude::*;
use xos_sync_core::db::Db;
use xos_sync_core::models::*;
use xos_sync_core::{Id, Row};

use super::world::World;
use crate::support::Loopback;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X alice";

/// The first rows.
pub(crate) struct Rows {
    pub(crate) deployment: Id<Deployment>,
    pub(crate) slice: Id<Slice>,
    pub(crate) image: Id<Image>,
    pub(crate) alice: Id<User>,
    pub(crate) inner: Id<NetworkTemplate>,
    pub(crate) nat: Id<NetworkTemplate>,
    /// The name of Alice's key pair.
    pub(crate) key: String,
}

impl Rows {
    pub(crate) async fn insert(db: &Db, loopback: &Loopback, image: &str) -> Self {
        let (auth_url, project, glance) =
            (loopback.admin.auth_url().to_owned(), loopback.project.id.clone(), image.to_owned());
        let rows = db
            .write(move |conn| {
                let deployment = NewDeployment::new("lab cloud").insert(conn)?.id;
                let controller = NewController::new("lab", "OpenStack", deployment);
                let controller = NewController {
                    auth_url: Some(auth_url.clone()),
                    admin_user: Some("admin".to_owned()),
                    admin_password: Some("admin".into()),
                    admin_tenant: Some("admin".to_owned()),
                    ..controller
                };
                let controller = controller.insert(conn)?.id;
                let site = NewSite::new("Lab", "lab").insert(conn)?.id;
                let link = NewSiteDeployment::new(site, deployment);
                NewSiteDeployment { controller_id: Some(controller), ..link }.insert(conn)?;
                let alice = NewUser::new("alice@lab.example", "Alice", "A", site);
                let alice = NewUser { public_key: Some(KEY.to_owned()), ..alice }.insert(conn)?;
                let slice = NewSlice::new("lab_web", site).insert(conn)?.id;
                let image = NewImage::new("one").insert(conn)?.id;
                let template = NewNetworkTemplate::new("inner");
                let inner = template.insert(conn)?.id;
                let nat = NewNetworkTemplate::new("nat");
                let nat = NewNetworkTemplate { translation: Translation::Nat, ..nat };
                let nat = nat.insert(conn)?.id;
                Self::backed(conn, &project, &glance)?;
                let key = format!("xos-{}", alice.uid());
                let alice = alice.id;
                Ok(Self { deployment, slice, image, alice, inner, nat, key })
            })
            .await
            .unwrap();
        loopback.admin.create_key_pair(&rows.key, KEY, None).await.unwrap();
        rows
    }

    /// What other steps write.
    fn backed(
        conn: &mut xos_sync_core::db::AnyConnection,
        project: &str,
        image: &str,
    ) -> QueryResult<()> {
        diesel::update(controller_slices::table)
            .set(controller_slices::tenant_id.eq(Some(project)))
            .execute(conn)?;
        diesel::update(controller_images::table)
            .set(controller_images::glance_image_id.eq(Some(image)))
            .execute(conn)?;
        diesel::update(controller_users::table)
            .set(controller_users::kuser_id.eq(Some("u")))
            .execute(conn)?;
        Ok(())
    }
}

impl World {
    pub(crate) async fn network(&self, new: NewNetwork) -> Id<Network> {
        self.write(move |conn| new.insert(conn)).await.id
    }

    pub(crate) fn new_network(&self, name: &str, template: Id<NetworkTemplate>) -> NewNetwork {
        NewNetwork::new(name, template, self.rows.slice)
    }

    /// What an instance here is unless a test says otherwise.
    pub(crate) async fn new_instance(&self, name: &str) -> NewInstance {
        let rows = &self.rows;
        let node = self.node("compute1").await;
        NewInstance::new(name, rows.slice, rows.image, rows.deployment, node)
    }

    pub(crate) async fn instance(&self, name: &str) -> Id<Instance> {
        let new = self.new_instance(name).await;
        self.write(move |conn| new.insert(conn)).await.id
    }

    pub(crate) async fn known(&self, network: Id<Network>) -> Row<ControllerNetwork> {
        let of_network = format!("network_id = {}", network.raw());
        self.write(move |conn| Row::load(conn, &of_network, 1)).await.remove(0)
    }

    /// Deletes the slice, with all that is in it, and waits until nothing is left on the cloud.
    pub(crate) async fn take_down(&self) {
        self.write(|conn| diesel::delete(slices::table).execute(conn)).await;
        self.in_line().await;
        assert!(self.servers().await.is_empty());
        assert_eq!(self.plumbing().await, (0, 0, 0));
        assert!(self.all::<Instance>().await.is_empty() && self.all::<Port>().await.is_empty());
        assert!(self.all::<ControllerNetwork>().await.is_empty());
        assert!(self.deleted::<Instance>().await.is_empty());
        assert!(self.deleted::<Port>().await.is_empty());
        assert!(self.deleted::<ControllerNetwork>().await.is_empty());
    }
}
