//! A goal state, a Synchronizer, and a region of the EC2 server, for each test.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use tempfile::TempDir;
use tokio::sync::oneshot;
use xos_sync_core::db::{AnyConnection, Db, OpenMode};
use xos_sync_core::event::Event;
use xos_sync_core::models::{
    Image, Instance, NewInstance, NewSite, NewSlice, NewUser, Node, Site, Slice, User, deployments,
    images, instances, nodes, sites, slices,
};
use xos_sync_core::schedule::Backoff;
use xos_sync_core::status::{self, State, Status};
use xos_sync_core::{Context, Id, Micros, Model, Registry, Row, Synchronizer, migrate};
use xos_sync_ec2::client::Ec2;
use xos_sync_ec2::{ImageCatalog, NodeCatalog};

use super::moto::{Moto, Witness};
use super::proxy::Proxy;

/// Longer than anything takes here.
const LONGEST: Duration = Duration::from_secs(60);

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X alice";

/// A goal state and where it goes.
pub(crate) struct World {
    pub(crate) moto: Arc<Moto>,
    pub(crate) proxy: Proxy,
    pub(crate) db: Db,
    pub(crate) region: &'static str,
    _folder: TempDir,
}

impl World {
    /// An empty goal state, and a region that no other test uses.
    pub(crate) async fn new(region: &'static str) -> Self {
        let moto = Moto::shared();
        let proxy = Proxy::to(&moto.url);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("goal.db").display().to_string();
        let db = Db::open(&file, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &Registry::linked().unwrap()).await.unwrap();
        Self { moto, proxy, db, region, _folder: folder }
    }

    /// With what EC2 offers in it.
    pub(crate) async fn discovered(region: &'static str) -> Self {
        let world = Self::new(region).await;
        world.in_line().await;
        world
    }

    pub(crate) fn client(&self, region: &str) -> Ec2 {
        let builder = Ec2::builder().endpoint(&self.proxy.url).region(region);
        builder.credentials("AKID", "secret").timeout(Duration::from_secs(10)).build().unwrap()
    }

    /// Runs a Synchronizer until the status is as wanted.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        self.until_in(self.region, false, what, holds).await
    }

    /// The same in another region, or after all steps have come round.
    pub(crate) async fn until_in(
        &self,
        region: &str,
        come_round: bool,
        what: &str,
        holds: impl Fn(&Status) -> bool,
    ) -> Status {
        let synchronizer = Synchronizer::builder()
            .name("ec2")
            .db(self.db.clone())
            .backend(self.client(region))
            .backend(NodeCatalog::new(["t3.micro", "t3.small"]))
            .backend(ImageCatalog::default())
            .backoff(Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) })
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
            if (listed || !come_round) && !status.steps.is_empty() && holds(&status) {
                break status;
            }
            if come_round && !listed && polls % 100 == 3 {
                handle.send(Event::ComeRound);
            }
            polls += 1;
            assert!(!running.is_finished(), "it ended by itself");
            assert!(tokio::time::Instant::now() < limit, "{what} does not come:\n{status}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        };
        let _ = stop.send(());
        tokio::time::timeout(LONGEST, running).await.unwrap().unwrap().unwrap();
        status
    }

    /// Runs a Synchronizer until everything is in line, and all steps have come round.
    pub(crate) async fn in_line(&self) -> Status {
        self.until("all in line", |status| {
            status.steps.iter().all(|step| step.last_run.is_some()) && status.is_settled()
        })
        .await
    }

    /// The same after each step has listed its backend once more.
    pub(crate) async fn checked(&self) -> Status {
        self.until_in(self.region, true, "all in line", Status::is_settled).await
    }

    /// Runs a Synchronizer until a row of this model has failed, and returns what it says.
    pub(crate) async fn failure(&self, model: &str) -> String {
        self.failure_with(model, "").await
    }

    /// The same for an error in which this text stands.
    pub(crate) async fn failure_with(&self, model: &str, text: &str) -> String {
        let said = |status: &Status| {
            message(status, model, State::Failed).filter(|said| said.contains(text))
        };
        let status = self.until("the failure", |status| said(status).is_some()).await;
        said(&status).unwrap()
    }

    pub(crate) async fn status(&self) -> Status {
        status::read(&self.db, &Registry::linked().unwrap()).await.unwrap()
    }

    pub(crate) fn witness(&self) -> Witness {
        self.moto.witness(self.region)
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> T {
        self.db.write(work).await.unwrap()
    }

    pub(crate) async fn sql(&self, statement: &str) {
        let statement = statement.to_owned();
        self.write(move |conn| diesel::sql_query(&statement).execute(conn)).await;
    }

    pub(crate) async fn get<M: Model>(&self, id: Id<M>) -> Row<M> {
        Context::new(self.db.clone(), "test").get(id).await.unwrap()
    }

    /// The first AMI that was listed.
    pub(crate) async fn image(&self) -> Image {
        self.write(|conn| images::table.order(images::name).select(Image::as_select()).first(conn))
            .await
    }

    pub(crate) async fn node(&self, kind: &'static str) -> Node {
        let name = format!("{kind}.{}a", self.region);
        self.write(move |conn| {
            nodes::table.filter(nodes::name.eq(&name)).select(Node::as_select()).first(conn)
        })
        .await
    }

    /// The site of people and slices here, which is not a zone's.
    pub(crate) async fn site(&self) -> Id<Site> {
        self.write(|conn| {
            let found = sites::table.filter(sites::login_base.eq("lab")).select(sites::id);
            match found.first(conn).optional()? {
                Some(site) => Ok(site),
                None => Ok(NewSite::new("Lab", "lab").insert(conn)?.id),
            }
        })
        .await
    }

    pub(crate) async fn slice(&self) -> Id<Slice> {
        let site = self.site().await;
        self.write(move |conn| {
            let found = slices::table.filter(slices::name.eq("lab_web")).select(slices::id);
            match found.first(conn).optional()? {
                Some(slice) => Ok(slice),
                None => Ok(NewSlice::new("lab_web", site).insert(conn)?.id),
            }
        })
        .await
    }

    pub(crate) async fn user(&self, key: Option<&'static str>) -> Row<User> {
        let site = self.site().await;
        self.write(move |conn| {
            let new = NewUser::new("alice@lab.example", "Alice", "A", site);
            NewUser { public_key: key.map(str::to_owned), ..new }.insert(conn)
        })
        .await
    }

    /// What an instance here is unless a test says otherwise.
    pub(crate) async fn new_instance(&self, name: &str) -> NewInstance {
        let (slice, image, node) =
            (self.slice().await, self.image().await, self.node("t3.micro").await);
        let deployment = self
            .write(|conn| {
                deployments::table
                    .filter(deployments::name.eq("Amazon EC2"))
                    .select(deployments::id)
                    .first(conn)
            })
            .await;
        NewInstance::new(name, slice, image.id, deployment, node.id)
    }

    pub(crate) async fn instance(&self, name: &str) -> Row<Instance> {
        let new = self.new_instance(name).await;
        self.write(move |conn| new.insert(conn)).await
    }

    pub(crate) async fn delete(&self, instance: &Instance) {
        let id = instance.id;
        self.write(move |conn| {
            diesel::delete(instances::table.filter(instances::id.eq(id))).execute(conn)
        })
        .await;
    }
}

/// What the status says of the first row of this model in this state.
pub(crate) fn message(status: &Status, model: &str, state: State) -> Option<String> {
    let object = status.objects.iter().find(|it| it.model == model && it.state == state)?;
    Some(object.message.clone().unwrap_or_default())
}
