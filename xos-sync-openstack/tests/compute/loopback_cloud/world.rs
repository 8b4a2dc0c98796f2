//! A goal state, a Synchronizer, and a domain of the cloud, for each test.

use std::time::Duration;

use diesel::prelude::*;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard, oneshot};
use xos_sync_core::db::{AnyConnection, Db, OpenMode};
use xos_sync_core::event::Event;
use xos_sync_core::models::{self, *};
use xos_sync_core::schedule::Backoff;
use xos_sync_core::status::{self, State, Status};
use xos_sync_core::{Context, Id, Micros, Model, Registry, Row, Synchronizer, migrate};
use xos_sync_openstack::client::{Cloud, NewFlavor, NewImage, NewNetwork, NewSubnet};
use xos_sync_openstack::steps::{
    SyncControllerNetworks, SyncFlavors, SyncInstances, SyncNodes, SyncPorts,
};
use xos_sync_openstack::{Clouds, ImageChange};

use super::rows::Rows;
use crate::support::Loopback;

/// Longer than anything takes here.
const LONGEST: Duration = Duration::from_secs(120);

/// The tests count the requests of all.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A goal state and where it goes.
pub(crate) struct World {
    pub(crate) loopback: Loopback,
    pub(crate) db: Db,
    pub(crate) rows: Rows,
    pub(crate) image: String,
    pub(crate) other_image: String,
    pub(crate) small: String,
    pub(crate) large: String,
    flavors: Vec<String>,
    _folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    /// A goal state with a slice that has a project, with what the cloud offers in it.
    pub(crate) async fn new(test: &str) -> Self {
        let alone = ALONE.lock().await;
        let loopback = Loopback::new(test).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("goal.db").display().to_string();
        let db = Db::open(&file, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &registry()).await.unwrap();
        let (mut names, mut flavors) = (Vec::new(), Vec::new());
        for (suffix, ram) in [("small", 64), ("large", 128)] {
            let name = format!("{}-{suffix}", loopback.name);
            let flavor = NewFlavor { name, vcpus: 1, ram, disk: 1, ..NewFlavor::default() };
            let flavor = loopback.admin.create_flavor(&flavor).await.unwrap();
            names.push(flavor.name);
            flavors.push(flavor.id);
        }
        let image = upload(&loopback.cloud, "one").await;
        let other_image = upload(&loopback.cloud, "two").await;
        outside(&loopback).await;
        let rows = Rows::insert(&db, &loopback, &image).await;
        let [small, large] = <[String; 2]>::try_from(names).unwrap();
        let world = Self {
            loopback,
            db,
            rows,
            image,
            other_image,
            small,
            large,
            flavors,
            _folder: folder,
            _alone: alone,
        };
        world.in_line().await;
        world.size_by_default().await;
        world
    }

    async fn size_by_default(&self) {
        let (slice, small) = (self.rows.slice, self.flavor(&self.small.clone()).await);
        self.write(move |conn| {
            diesel::update(slices::table.filter(slices::id.eq(slice)))
                .set(slices::default_flavor_id.eq(Some(small)))
                .execute(conn)
        })
        .await;
    }

    pub(crate) async fn flavor(&self, name: &str) -> Id<Flavor> {
        let name = name.to_owned();
        self.write(move |conn| {
            flavors::table.filter(flavors::flavor.eq(&name)).select(flavors::id).first(conn)
        })
        .await
    }

    pub(crate) async fn node(&self, name: &'static str) -> Id<Node> {
        self.write(move |conn| {
            nodes::table.filter(nodes::name.eq(name)).select(nodes::id).first(conn)
        })
        .await
    }

    /// Runs a Synchronizer until the status is as wanted.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        self.run(false, ImageChange::Refuse, what, holds).await
    }

    /// The same, or after all steps have come round.
    pub(crate) async fn run(
        &self,
        come_round: bool,
        image_change: ImageChange,
        what: &str,
        holds: impl Fn(&Status) -> bool,
    ) -> Status {
        let synchronizer = Synchronizer::builder()
            .name("openstack")
            .registry(registry())
            .db(self.db.clone())
            .backend(Clouds::new())
            .backend(image_change)
            .backoff(Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(1) })
            .build()
            .await
            .unwrap();
        let handle = synchronizer.handle();
        let (stop, stopped) = oneshot::channel::<()>();
        let running =
            tokio::spawn(async move { synchronizer.run(async { drop(stopped.await) }).await });
        let begun = Micros::now().0;
        let mut polls = 0;
        let limit = tokio::time::Instant::now() + LONGEST;
        let status = loop {
            let status = self.status().await;
            let since = if come_round { begun } else { 0 };
            let listed = !status.steps.is_empty()
                && status.steps.iter().all(|step| step.last_run.is_some_and(|last| last >= since));
            if listed && holds(&status) {
                break status;
            }
            if come_round && !listed && polls % 100 == 3 {
                handle.send(Event::ComeRound);
            }
            polls += 1;
            assert!(!running.is_finished(), "it ended by itself");
            assert!(tokio::time::Instant::now() < limit, "{what} does not come:\n{status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let _ = stop.send(());
        tokio::time::timeout(LONGEST, running).await.unwrap().unwrap().unwrap();
        status
    }

    /// Runs a Synchronizer until everything is in line.
    pub(crate) async fn in_line(&self) -> Status {
        self.until("all in line", Status::is_settled).await
    }

    /// The same after each step has listed its backend once more.
    pub(crate) async fn checked(&self) -> Status {
        self.run(true, ImageChange::Refuse, "all in line", Status::is_settled).await
    }

    /// Runs a Synchronizer until a row of this model says this of a failure.
    pub(crate) async fn failure(&self, model: &str, text: &str) -> String {
        let said = |status: &Status| {
            let failed = |it: &&status::ObjectStatus| {
                it.model == model
                    && it.state == State::Failed
                    && it.message.as_ref().is_some_and(|said| said.contains(text))
            };
            status.objects.iter().find(failed).and_then(|it| it.message.clone())
        };
        said(&self.until("the failure", |status| said(status).is_some()).await).unwrap()
    }

    pub(crate) async fn status(&self) -> Status {
        status::read(&self.db, &registry()).await.unwrap()
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> T {
        self.db.write(work).await.unwrap()
    }

    pub(crate) async fn sql(&self, statement: impl Into<String>) {
        let statement = statement.into();
        self.write(move |conn| diesel::sql_query(&statement).execute(conn)).await;
    }

    pub(crate) async fn get<M: Model>(&self, id: Id<M>) -> Row<M> {
        Context::new(self.db.clone(), "test").get(id).await.unwrap()
    }

    /// Those that are deleted and not gone from the cloud yet.
    pub(crate) async fn deleted<M: Model>(&self) -> Vec<Row<M>> {
        self.write(|conn| Row::load_deleted(conn, "TRUE", i64::MAX)).await
    }

    pub(crate) async fn all<M: Model>(&self) -> Vec<Row<M>> {
        self.write(|conn| Row::load(conn, "TRUE", i64::MAX)).await
    }

    /// Removes all that is left on the cloud.
    pub(crate) async fn close(self) {
        let admin = &self.loopback.admin;
        for id in &self.flavors {
            admin.delete_flavor(id).await.unwrap();
        }
        for image in [&self.image, &self.other_image] {
            self.loopback.cloud.delete_image(image).await.unwrap();
        }
        self.close_outside().await;
        let _ = admin.delete_key_pair(&self.rows.key, None).await;
        self.loopback.close().await;
    }
}

async fn upload(cloud: &Cloud, name: &str) -> String {
    let wanted = NewImage {
        name: name.to_owned(),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        ..NewImage::default()
    };
    let made = cloud.create_image(&wanted).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), name).unwrap();
    cloud.upload_image(&made.id, file.path()).await.unwrap();
    made.id
}

/// A network that leads outside.
pub(crate) async fn outside(loopback: &Loopback) {
    let network = NewNetwork {
        // First by name.
        name: format!("!{}", loopback.name),
        external: Some(true),
        network_type: Some("flat".to_owned()),
        physical_network: Some(loopback.name.clone()),
        ..NewNetwork::default()
    };
    let network = loopback.admin.create_network(&network).await.unwrap();
    let subnet = NewSubnet {
        network_id: network.id.clone(),
        cidr: "203.0.113.0/24".to_owned(),
        ..NewSubnet::default()
    };
    loopback.admin.create_subnet(&subnet).await.unwrap();
}

/// Only the steps of this test: what others provide, it puts there by hand.
fn registry() -> Registry {
    macro_rules! with {
        ($($model:ident),* $(,)?) => {
            Registry::default()$(.model::<models::$model>().unwrap())*
        };
    }
    let registry = with!(
        Controller,
        ControllerImage,
        ControllerNetwork,
        ControllerSite,
        ControllerSitePrivilege,
        ControllerSlice,
        ControllerSlicePrivilege,
        ControllerUser,
        Deployment,
        Flavor,
        Image,
        Instance,
        Network,
        NetworkSlice,
        NetworkTemplate,
        Node,
        Port,
        Router,
        Service,
        Site,
        SiteDeployment,
        SitePrivilege,
        SiteRole,
        Slice,
        SlicePrivilege,
        SliceRole,
        Tag,
        User,
    );
    registry
        .step(SyncControllerNetworks::registration())
        .step(SyncFlavors::registration())
        .step(SyncInstances::registration())
        .step(SyncNodes::registration())
        .step(SyncPorts::registration())
}
