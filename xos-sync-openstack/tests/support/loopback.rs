//! The loopback cloud, and a domain of it for one test.

#[path = "cleanup.rs"]
mod cleanup;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use xos_sync_openstack::client::{
    Assignment, Cloud, CloudBuilder, CloudError, Domain, NewProject, Project, ProjectQuery,
};

pub(crate) use cleanup::Cleanup;

/// A domain with a project, in which the administrator may do everything.
pub(crate) struct Loopback {
    /// The administrator, in a project of its own.
    pub(crate) admin: Cloud,
    /// The administrator, in the test's project.
    pub(crate) cloud: Cloud,
    pub(crate) domain: Domain,
    pub(crate) project: Project,
    /// Not the name of anything else in the cloud.
    pub(crate) name: String,
    cleanup: Cleanup,
}

impl Loopback {
    /// The path of the clouds.yaml of the cloud.
    pub(crate) fn file() -> PathBuf {
        let Some(file) = std::env::var_os("XOS_TEST_OPENSTACK") else {
            panic!(
                "this test needs the loopback cloud, and XOS_TEST_OPENSTACK is not set: use `tests/run`, or set it \
                 to what `tests/services/openstack start DIR` prints; `tests/run --without openstack` leaves \
                 such tests out"
            );
        };
        PathBuf::from(file)
    }

    /// The cloud's administrator.
    pub(crate) fn administrator() -> Cloud {
        CloudBuilder::from_file(&Self::file(), "loopback").unwrap().build().unwrap()
    }

    pub(crate) async fn new(test: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{test}-{}-{count}", std::process::id());
        let admin = Self::administrator();
        let domain = admin.create_domain(&name).await.unwrap();
        let cleanup = Cleanup::new(&domain.id, &name, Self::administrator);
        let wanted = NewProject {
            name: "p".to_owned(),
            domain_id: Some(domain.id.clone()),
            ..NewProject::default()
        };
        let project = admin.create_project(&wanted).await.unwrap();
        let grant = Assignment {
            role_id: Self::role(&admin, "admin").await,
            user_id: admin.identity().await.unwrap().user_id,
            project_id: project.id.clone(),
        };
        admin.grant(&grant).await.unwrap();
        let cloud = admin.in_project(&project.id);
        Self { admin, cloud, domain, project, name, cleanup }
    }

    pub(crate) async fn role(admin: &Cloud, name: &str) -> String {
        let roles = admin.roles().all().await.unwrap();
        roles.into_iter().find(|role| role.name == name).unwrap().id
    }

    /// Removes the domain and what Keystone has in it.
    pub(crate) async fn close(mut self) {
        let query =
            ProjectQuery { domain_id: Some(self.domain.id.clone()), ..ProjectQuery::default() };
        for project in self.admin.projects(&query).all().await.unwrap() {
            self.admin.delete_project(&project.id).await.unwrap();
        }
        self.admin.delete_domain(&self.domain.id).await.unwrap();
        assert_eq!(self.admin.domain(&self.name).await.unwrap(), None);
        self.cleanup.is_done();
    }
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>, CloudError>,
) -> T {
    let end = Instant::now() + Duration::from_secs(120);
    while Instant::now() < end {
        if let Some(answer) = ask().await.unwrap() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{what} did not come about");
}
