//! Who makes the servers.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Semaphore, oneshot};
use xos_sync_core::Synchronizer;
use xos_sync_openstack::client::{
    Attachment, Cloud, Flavor, NewFlavor, NewImage, NewServer, ServerQuery, ServerStatus,
};
use xos_sync_openstack::{Clouds, ImageDirectory, RoleNames};

use crate::loopback::{Loopback, eventually};
use crate::usage::Usage;
use crate::world::{PASSWORD, World};

/// As many calls at once as `SyncInstances` makes.
const HANDS: usize = 16;

/// A process for each server, then one after the other until all run.
const LOOP: &str = r#"
set -e
i=0
while [ $i -lt $N ]; do
    i=$((i + 1))
    openstack server create --image $IMAGE --flavor $FLAVOR --network $NETWORK --host compute$((1 + i % 2)) \
        -f value -c id bench-$i
done
until [ "$(openstack server list --status ACTIVE -f value -c ID | wc -l)" -ge $N ]; do :; done
"#;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    Bare,
    Framework,
    Shell,
}

impl Contender {
    /// First the one that the others are compared with.
    pub const ALL: [Self; 3] = [Self::Bare, Self::Framework, Self::Shell];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "the client alone",
            Self::Framework => "the framework",
            Self::Shell => "openstack server create",
        }
    }
}

/// Where the servers are made: a slice that is in line, with a network and no instances.
pub struct Place {
    world: World,
    servers: usize,
    project: String,
    network: String,
    image: String,
    flavor: Flavor,
    /// In the project.
    cloud: Cloud,
}

impl Place {
    pub async fn new(servers: usize) -> Self {
        let world = World::new("bench", 1).await;
        let admin = world.side().admin.clone();
        let flavor = NewFlavor {
            name: world.name.clone(),
            vcpus: 1,
            ram: 64,
            disk: 1,
            ..NewFlavor::default()
        };
        let flavor = admin.create_flavor(&flavor).await.unwrap();
        let image = image(&admin, &world.name).await;
        for statement in [
            // Not through the proxy.
            format!("UPDATE controllers SET auth_url = '{}'", admin.auth_url()),
            format!("INSERT INTO images (name) VALUES ('{}')", world.name),
            "INSERT INTO sites (name, login_base) VALUES ('The Lab', 'lab')".to_owned(),
            "INSERT INTO site_deployments (site_id, deployment_id, controller_id)
                 SELECT s.id, c.deployment_id, c.id FROM sites AS s, controllers AS c"
                .to_owned(),
        ] {
            world.sql(&statement).await;
        }
        world.in_line().await;
        for statement in [
            format!(
                "INSERT INTO slices (name, site_id, max_instances, default_flavor_id)
                     SELECT 'lab_web', s.id, {servers}, f.id FROM sites AS s, flavors AS f WHERE f.flavor = '{}'",
                flavor.name
            ),
            "INSERT INTO network_templates (name) VALUES ('inner')".to_owned(),
            "INSERT INTO networks (name, template_id, owner_id)
                 SELECT 'net', t.id, s.id FROM slices AS s, network_templates AS t"
                .to_owned(),
        ] {
            world.sql(&statement).await;
        }
        world.in_line().await;
        let project = world.word("SELECT tenant_id AS word FROM controller_slices").await;
        let network = world.word("SELECT net_id AS word FROM controller_networks").await;
        let cloud = own(&world, &project);
        Self { world, servers, project, network, image, flavor, cloud }
    }

    /// Brings the servers up, and takes them down again.
    pub async fn run(&self, contender: Contender) -> Usage {
        let used = match contender {
            Contender::Bare => Usage::of(self.bare()).await,
            Contender::Framework => self.framework().await,
            Contender::Shell => Usage::of(self.shell()).await,
        };
        for server in self.cloud.servers(&ServerQuery::default()).all().await.unwrap() {
            self.cloud.delete_server(&server.id).await.unwrap();
        }
        eventually("the end of all servers", async || {
            let left = self.cloud.servers(&ServerQuery::default()).all().await?;
            Ok(left.is_empty().then_some(()))
        })
        .await;
        used
    }

    async fn framework(&self) -> Usage {
        let synchronizer = Synchronizer::builder()
            .name("openstack")
            .db(self.world.db.clone())
            .backend(Clouds::new())
            .backend(RoleNames::default())
            .backend(ImageDirectory::default())
            .build()
            .await
            .unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running =
            tokio::spawn(async move { synchronizer.run(async { drop(stopped.await) }).await });
        // It has begun to listen, and its first listings are over.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let used = Usage::of(self.enacted()).await;
        self.world.sql("DELETE FROM instances").await;
        self.count("SELECT CAST(COUNT(*) AS TEXT) AS word FROM instances", 0).await;
        drop(stop);
        running.await.unwrap().unwrap();
        used
    }

    /// Adds the instances, and waits until all are enacted.
    async fn enacted(&self) {
        let insert = format!(
            "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < {})
             INSERT INTO instances (name, slice_id, image_id, deployment_id, node_id)
             SELECT 'bench-' || k.i, s.id, i.id, d.id, n.id
             FROM k, slices AS s, images AS i, deployments AS d, nodes AS n
             WHERE i.name = '{}' AND n.name = 'compute' || (1 + k.i % 2)",
            self.servers, self.world.name
        );
        self.world.sql(&insert).await;
        let enacted =
            "SELECT CAST(COUNT(*) AS TEXT) AS word FROM instances_sync WHERE enacted >= updated";
        self.count(enacted, self.servers).await;
    }

    async fn count(&self, query: &str, wanted: usize) {
        while self.world.word(query).await != wanted.to_string() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn bare(&self) {
        let hands = Arc::new(Semaphore::new(HANDS));
        join_all((1..=self.servers).map(|number| self.one(number, &hands))).await;
    }

    async fn one(&self, number: usize, hands: &Semaphore) {
        let wanted = NewServer {
            name: format!("bench-{number}"),
            image_id: self.image.clone(),
            flavor_id: self.flavor.id.clone(),
            networks: vec![Attachment::Network(self.network.clone())],
            host: Some(format!("compute{}", 1 + number % 2)),
            tags: vec![format!("xos-uid={number}"), "xos-synchronizer=bench".to_owned()],
            metadata: BTreeMap::from([("xos-uid".to_owned(), number.to_string())]),
            ..NewServer::default()
        };
        let hand = hands.acquire().await.unwrap();
        let id = self.cloud.create_server(&wanted).await.unwrap();
        drop(hand);
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let _hand = hands.acquire().await.unwrap();
            match self.cloud.server(&id).await.unwrap().status {
                ServerStatus::Active => return,
                ServerStatus::Build => {}
                status => panic!("bench-{number} is {status:?}"),
            }
        }
    }

    async fn shell(&self) {
        let side = self.world.side();
        let venv = Loopback::file().with_file_name("venv").join("bin");
        let mut command = Command::new("sh");
        command
            .args(["-c", LOOP])
            .env("PATH", format!("{}:{}", venv.display(), std::env::var("PATH").unwrap()))
            .env_remove("OS_CLOUD")
            .env("OS_AUTH_URL", side.admin.auth_url())
            .env("OS_USERNAME", &side.own.name)
            .env("OS_USER_DOMAIN_ID", &side.domain.id)
            .env("OS_PASSWORD", PASSWORD)
            .env("OS_PROJECT_ID", &self.project)
            .env("OS_IDENTITY_API_VERSION", "3")
            .env("OS_COMPUTE_API_VERSION", "2.79")
            .env("N", self.servers.to_string())
            .env("IMAGE", &self.image)
            .env("FLAVOR", &self.flavor.id)
            .env("NETWORK", &self.network)
            .stdout(Stdio::null());
        let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap();
        assert!(status.unwrap().success());
    }

    pub async fn close(self) {
        for table in ["slices", "sites", "images"] {
            self.world.sql(&format!("DELETE FROM {table}")).await;
        }
        self.world.in_line().await;
        let admin = self.world.side().admin.clone();
        admin.delete_image(&self.image).await.unwrap();
        admin.delete_flavor(&self.flavor.id).await.unwrap();
        self.world.close().await;
    }
}

/// The user that the Synchronizer logs in as, in a project.
fn own(world: &World, project: &str) -> Cloud {
    use xos_sync_openstack::client::{Credentials, Scope};

    let side = world.side();
    let credentials = Credentials::UserId { id: side.own.id.clone(), password: PASSWORD.into() };
    let cloud = Cloud::builder(side.admin.auth_url(), credentials);
    cloud.scope(Scope::Project(project.to_owned())).build().unwrap()
}

/// A public image, which the framework takes as it is.
async fn image(admin: &Cloud, name: &str) -> String {
    let wanted = NewImage {
        name: name.to_owned(),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        visibility: Some("public".to_owned()),
        ..NewImage::default()
    };
    let made = admin.create_image(&wanted).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), name).unwrap();
    admin.upload_image(&made.id, file.path()).await.unwrap();
    made.id
}
