//! A goal state, a Synchronizer, and one or two domains of the loopback cloud, for each test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use tempfile::TempDir;
use tokio::sync::oneshot;
use xos_sync_core::db::{Db, Engine, OpenMode};
use xos_sync_core::event::Event;
use xos_sync_core::schedule::Backoff;
use xos_sync_core::status::{self, State, Status};
use xos_sync_core::{Micros, Registry, Synchronizer, migrate};
use xos_sync_openstack::client::{
    Assignment, AssignmentQuery, Cloud, Domain, Image, ImageQuery, NewProject, NewUser, Project,
    ProjectQuery, SecurityGroupQuery, User, UserQuery,
};
use xos_sync_openstack::{BACKEND_TYPE, Clouds, ImageDirectory, RoleNames};

use crate::database::Database;
use crate::loopback::{Cleanup, Loopback};
use crate::proxy::Proxy;

/// Longer than anything takes here.
const LONGEST: Duration = Duration::from_secs(600);
/// Longer than a test takes: what one writes now has just changed.
const QUIET: Duration = Duration::from_secs(3600);
/// How long a request may take. A busy machine must not come near it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of the users that Synchronizers log in as.
pub(crate) const PASSWORD: &str = "the administrator's";

/// A goal state and where it goes.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) sides: Vec<Side>,
    /// Not the name of anything else in the cloud.
    pub(crate) name: String,
    /// All of its Synchronizers use these, so that each cloud is logged in to once.
    clouds: Clouds,
    pub(crate) role_names: RoleNames,
    folder: TempDir,
    _database: Database,
}

/// A domain, which stands for a cloud of its own, and its controller.
pub(crate) struct Side {
    pub(crate) controller: String,
    pub(crate) domain: Domain,
    pub(crate) proxy: Proxy,
    /// The witness: the cloud's administrator, not through the proxy.
    pub(crate) admin: Cloud,
    /// The user that the Synchronizer logs in as.
    pub(crate) own: User,
    /// The project that it logs in to.
    pub(crate) home: Project,
    cleanup: Cleanup,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Nullable<Text>)]
    word: Option<String>,
}

impl World {
    /// An empty goal state on SQLite with this many controllers.
    pub(crate) async fn new(test: &str, controllers: usize) -> Self {
        Self::on(Engine::Sqlite, test, controllers).await
    }

    /// The same on this engine.
    pub(crate) async fn on(engine: Engine, test: &str, controllers: usize) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{test}-{}-{count}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("images")).unwrap();
        let database = match engine {
            Engine::Sqlite => Database::file(folder.path()),
            Engine::Postgres => Database::schema(&name),
        };
        let db = Db::open(&database.url, OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &Registry::linked().unwrap()).await.unwrap();
        let mut world = Self {
            db,
            sides: Vec::new(),
            name,
            clouds: Clouds::new().timeout(PATIENCE),
            role_names: RoleNames::default(),
            folder,
            _database: database,
        };
        world.sql("INSERT INTO deployments (name) VALUES ('cloud')").await;
        for number in 1..=controllers {
            let side = Side::new(&world.name, number).await;
            world
                .sql(&format!(
                    "INSERT INTO controllers (name, backend_type, auth_url, admin_user, admin_password,
                         admin_tenant, domain, deployment_id)
                     SELECT '{}', '{BACKEND_TYPE}', '{}', 'root', '{}', 'home', '{}', id FROM deployments",
                    side.controller,
                    side.proxy.auth_url,
                    PASSWORD.replace('\'', "''"),
                    side.domain.name
                ))
                .await;
            world.sides.push(side);
        }
        world
    }

    /// The only controller's side.
    pub(crate) fn side(&self) -> &Side {
        &self.sides[0]
    }

    /// Two sites on all controllers, three users, three slices, privileges, roles.
    pub(crate) async fn populate(&self) {
        for statement in [
            "INSERT INTO sites (name, login_base) VALUES ('The Lab', 'lab'), ('The Hub', 'hub')",
            "INSERT INTO site_deployments (site_id, deployment_id, controller_id)
                 SELECT s.id, c.deployment_id, c.id FROM sites AS s, controllers AS c",
            "INSERT INTO users (email, first_name, last_name, site_id, public_key, password)
                 SELECT n.name || '@x.example', n.name, 'X', s.id, n.key, n.password FROM sites AS s,
                 (SELECT 'alice' AS name, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X alice' AS key, 'first' AS password
                  UNION ALL SELECT 'bob', NULL, NULL UNION ALL SELECT 'carol', NULL, NULL) AS n
                 WHERE s.login_base = 'lab'",
            "INSERT INTO slices (name, site_id, max_instances, description)
                 SELECT 'lab_' || n.name, s.id, 7, 'for ' || n.name FROM sites AS s,
                 (SELECT 'web' AS name UNION ALL SELECT 'db' UNION ALL SELECT 'job') AS n
                 WHERE s.login_base = 'lab'",
            "INSERT INTO site_roles (role) VALUES ('admin'), ('pi'), ('tech')",
            "INSERT INTO slice_roles (role) VALUES ('admin'), ('default')",
            "INSERT INTO site_privileges (user_id, site_id, role_id)
                 SELECT u.id, s.id, r.id FROM users AS u, sites AS s, site_roles AS r
                 WHERE u.email = 'alice@x.example' AND s.login_base = 'lab' AND r.role = 'pi'",
            "INSERT INTO slice_privileges (user_id, slice_id, role_id)
                 SELECT u.id, s.id, r.id FROM users AS u, slices AS s, slice_roles AS r
                 WHERE s.name = 'lab_web' AND (u.email = 'alice@x.example' AND r.role = 'admin'
                     OR u.email = 'bob@x.example' AND r.role = 'default')",
        ] {
            self.sql(statement).await;
        }
    }

    /// Puts a file into the folder of images, as one that was there for some time.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join("images").join(name);
        std::fs::write(&path, content).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - 2 * QUIET).unwrap();
        path
    }

    /// Runs a Synchronizer until the status is as wanted.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        self.run(what, 0, holds).await
    }

    async fn run(&self, what: &str, since: i64, holds: impl Fn(&Status) -> bool) -> Status {
        let synchronizer = Synchronizer::builder()
            .name("openstack")
            .db(self.db.clone())
            .backend(self.clouds.clone())
            .backend(self.role_names.clone())
            .backend(ImageDirectory::new(self.folder.path().join("images")).quiet(QUIET))
            .backoff(Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) })
            .build()
            .await
            .unwrap();
        let (handle, mut progress) = (synchronizer.handle(), synchronizer.progress());
        let (stop, stopped) = oneshot::channel::<()>();
        let running =
            tokio::spawn(async move { synchronizer.run(async { drop(stopped.await) }).await });
        let (mut polls, limit) = (0, tokio::time::Instant::now() + LONGEST);
        let status = loop {
            let status = status::read(&self.db, &Registry::linked().unwrap()).await.unwrap();
            let listed = !status.steps.is_empty()
                && status.steps.iter().all(|step| step.last_run.is_some_and(|last| last >= since));
            if listed && holds(&status) {
                break status;
            }
            if since > 0 && !listed && polls % 25 == 1 {
                handle.send(Event::ComeRound);
            }
            polls += 1;
            assert!(!running.is_finished(), "it ended by itself");
            assert!(tokio::time::Instant::now() < limit, "{what} does not come:\n{status}");
            // Something was stamped, or perhaps listed.
            let _ = tokio::time::timeout(Duration::from_millis(200), progress.changed()).await;
        };
        let _ = stop.send(());
        tokio::time::timeout(LONGEST, running).await.unwrap().unwrap().unwrap();
        status
    }

    /// Runs a Synchronizer until everything is in line.
    pub(crate) async fn in_line(&self) {
        self.until("all in line", Status::is_settled).await;
    }

    /// The same after each step has listed the clouds once more.
    pub(crate) async fn checked(&self) {
        self.looked("all in line", Status::is_settled).await;
    }

    /// Runs a Synchronizer until each step has listed the clouds once more and the status is as wanted.
    pub(crate) async fn looked(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        self.run(what, Micros::now().0, holds).await
    }

    /// Runs a Synchronizer until a row of this model is in this state and says this.
    pub(crate) async fn says(&self, model: &str, state: State, text: &str) -> String {
        let said = |status: &Status| {
            let mut objects = status.objects.iter();
            let of_model = |model: &str, object: &status::ObjectStatus| object.model == model;
            let found = objects.find(|it| {
                of_model(model, it)
                    && it.state == state
                    && it.message.as_ref().is_some_and(|said| said.contains(text))
            })?;
            found.message.clone()
        };
        let what = format!("a {model} that says {text:?}");
        said(&self.until(&what, |status| said(status).is_some()).await).unwrap()
    }

    pub(crate) async fn sql(&self, statement: &str) {
        let statement = statement.to_owned();
        self.db.write(move |conn| diesel::sql_query(&statement).execute(conn)).await.unwrap();
    }

    /// From now on requests may take so long.
    pub(crate) fn patience(&mut self, limit: Duration) {
        self.clouds = Clouds::new().timeout(limit);
    }

    /// The values of the first column of a query, which is called `word`.
    pub(crate) async fn words(&self, query: &str) -> Vec<Option<String>> {
        let query = query.to_owned();
        let words: Vec<Word> =
            self.db.run(move |conn| diesel::sql_query(query).load(conn)).await.unwrap();
        words.into_iter().map(|found| found.word).collect()
    }

    /// The only one of these.
    pub(crate) async fn word(&self, query: &str) -> String {
        let words = self.words(query).await;
        assert_eq!(words.len(), 1, "{query}: {words:?}");
        words[0].clone().unwrap_or_else(|| panic!("{query}: NULL"))
    }

    /// Removes the domains, with what Keystone has in them. All else must be gone.
    pub(crate) async fn close(self) {
        for mut side in self.sides {
            let query =
                ProjectQuery { domain_id: Some(side.domain.id.clone()), ..ProjectQuery::default() };
            for project in side.admin.projects(&query).all().await.unwrap() {
                let project_ids = vec![project.id.clone()];
                let groups = SecurityGroupQuery { project_ids, ..SecurityGroupQuery::default() };
                for group in side.admin.security_groups(&groups).all().await.unwrap() {
                    side.admin.delete_security_group(&group.id).await.unwrap();
                }
                side.admin.delete_project(&project.id).await.unwrap();
            }
            side.admin.delete_domain(&side.domain.id).await.unwrap();
            side.cleanup.is_done();
        }
    }

    /// All calls through all proxies since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        self.sides.iter().flat_map(|side| side.proxy.take()).collect()
    }
}

impl Side {
    async fn new(world: &str, number: usize) -> Self {
        let admin = Loopback::administrator();
        let controller = format!("{world}-{number}");
        let domain = admin.create_domain(&controller).await.unwrap();
        let cleanup = Cleanup::new(&domain.id, world, Loopback::administrator);
        let domain_id = Some(domain.id.clone());
        let home = NewProject {
            name: "home".to_owned(),
            domain_id: domain_id.clone(),
            ..NewProject::default()
        };
        let home = admin.create_project(&home).await.unwrap();
        let own = NewUser {
            name: "root".to_owned(),
            domain_id,
            password: Some(PASSWORD.into()),
            ..NewUser::default()
        };
        let own = admin.create_user(&own).await.unwrap();
        let grant = Assignment {
            role_id: Loopback::role(&admin, "admin").await,
            user_id: own.id.clone(),
            project_id: home.id.clone(),
        };
        admin.grant(&grant).await.unwrap();
        let proxy = Proxy::to(&Loopback::file());
        Self { controller, domain, proxy, admin, own, home, cleanup }
    }

    /// The projects that are there, but for the one that the Synchronizer logs in to, by name.
    pub(crate) async fn projects(&self) -> Vec<Project> {
        let query =
            ProjectQuery { domain_id: Some(self.domain.id.clone()), ..ProjectQuery::default() };
        let mut found = self.admin.projects(&query).all().await.unwrap();
        found.retain(|project| project.id != self.home.id);
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }

    pub(crate) async fn project(&self, name: &str) -> Project {
        let found = self.projects().await.into_iter().find(|project| project.name == name);
        found.unwrap_or_else(|| panic!("no project {name}"))
    }

    /// The users that are there, but for the one that the Synchronizer logs in as, by name.
    pub(crate) async fn users(&self) -> Vec<User> {
        let query = UserQuery { domain_id: Some(self.domain.id.clone()), ..UserQuery::default() };
        let mut found = self.admin.users(&query).all().await.unwrap();
        found.retain(|user| user.id != self.own.id);
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        let found = self.users().await.into_iter().find(|user| user.name == name);
        found.unwrap_or_else(|| panic!("no user {name}"))
    }

    /// The key pairs of the user that the Synchronizer logs in as: names and keys.
    pub(crate) async fn keys(&self) -> Vec<(String, String)> {
        let keys = self.admin.key_pairs(Some(&self.own.id)).await.unwrap();
        keys.into_iter().map(|key| (key.name, key.public_key)).collect()
    }

    /// The images that the Synchronizer has made.
    pub(crate) async fn images(&self) -> Vec<Image> {
        let query = ImageQuery { owner: Some(self.home.id.clone()), ..ImageQuery::default() };
        self.admin.images(&query).all().await.unwrap()
    }

    /// Who has which role in a project: names, in order.
    pub(crate) async fn roles(&self, project: &str) -> Vec<(String, String)> {
        let project_id = Some(self.project(project).await.id);
        let query = AssignmentQuery { project_id, ..AssignmentQuery::default() };
        let roles = self.admin.roles().all().await.unwrap();
        let (mut users, mut found) = (self.users().await, Vec::new());
        users.push(self.own.clone());
        for grant in self.admin.assignments(&query).await.unwrap() {
            let user = users.iter().find(|user| user.id == grant.user_id).unwrap();
            let role = roles.iter().find(|role| role.id == grant.role_id).unwrap();
            found.push((user.name.clone(), role.name.clone()));
        }
        found.sort();
        found
    }

    /// A role in a project by their names.
    pub(crate) async fn grant(&self, user: &str, role: &str, project: &str) -> Assignment {
        Assignment {
            role_id: Loopback::role(&self.admin, role).await,
            user_id: if user == "root" { self.own.id.clone() } else { self.user(user).await.id },
            project_id: self.project(project).await.id,
        }
    }
}

/// Pairs of texts.
pub(crate) fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(one, other)| (one.to_owned(), other.to_owned())).to_vec()
}
