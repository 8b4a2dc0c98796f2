//! The goal state of the crash test, in a file.

use std::path::PathBuf;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};
use tempfile::TempDir;
use xos_sync_core::db::{Db, OpenMode};
use xos_sync_core::models::{NewController, NewDeployment};
use xos_sync_core::status::{self, State, Status};
use xos_sync_core::{Registry, migrate};
use xos_sync_openstack::BACKEND_TYPE;

use super::own::{Own, PASSWORD};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X";

pub(crate) struct Goal {
    db: Db,
    pub(crate) file: PathBuf,
    folder: TempDir,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Nullable<Text>)]
    word: Option<String>,
}

impl Goal {
    /// Two slices with two networks for each instance, and a third one in which a person has two ports.
    pub(crate) async fn write(own: &Own, instances: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("goal.db");
        let db = Db::open(&file.display().to_string(), OpenMode::Create).await.unwrap();
        migrate::migrate(&db, &Registry::linked().unwrap()).await.unwrap();
        let goal = Self { db, file, folder };
        goal.controller(own).await;
        let name = &own.name;
        let image = goal.folder.path().join("image.raw");
        std::fs::write(&image, "a disk").unwrap();
        let image = image.display();
        let mut statements = vec![
            "INSERT INTO sites (name, login_base) VALUES ('Crash', 'crash')".to_owned(),
            "INSERT INTO site_deployments (site_id, deployment_id, controller_id) \
             SELECT s.id, c.deployment_id, c.id FROM sites AS s, controllers AS c"
                .to_owned(),
            "INSERT INTO nodes (name, site_deployment_id) SELECT n.name, d.id FROM site_deployments AS d, \
             (SELECT 'compute1' AS name UNION ALL SELECT 'compute2') AS n"
                .to_owned(),
            format!("INSERT INTO flavors (name, flavor) VALUES ('small', '{name}')"),
            format!(
                "INSERT INTO images (name, path, disk_format, container_format) VALUES ('{name}', '{image}', 'raw', \
                 'bare')"
            ),
            format!(
                "INSERT INTO users (email, first_name, last_name, site_id, public_key) SELECT n.name || '@x.example', \
                 n.name, 'X', s.id, '{KEY} ' || n.name FROM sites AS s, (SELECT 'alice' AS name UNION ALL \
                 SELECT 'bob') AS n"
            ),
            format!(
                "INSERT INTO slices (name, site_id, max_instances, default_flavor_id) SELECT 'crash_' || n.name, s.id, \
                 {instances}, f.id FROM sites AS s, flavors AS f, (SELECT 'a' AS name UNION ALL SELECT 'b') AS n"
            ),
            "INSERT INTO slice_roles (role) VALUES ('default')".to_owned(),
            "INSERT INTO slice_privileges (user_id, slice_id, role_id) \
             SELECT u.id, s.id, r.id FROM users AS u, slices AS s, slice_roles AS r"
                .to_owned(),
            "INSERT INTO network_templates (name, translation) VALUES ('nat', 'nat'), ('inner', 'none')"
                .to_owned(),
        ];
        let network = |network, template, slice, connects| {
            format!(
                "INSERT INTO networks (name, template_id, owner_id, autoconnect, permit_all_slices) \
                 SELECT '{name}-{network}', t.id, s.id, {connects}, TRUE FROM network_templates AS t, slices AS s \
                 WHERE t.name = '{template}' AND s.name = 'crash_{slice}'"
            )
        };
        statements.extend([
            network("web", "nat", "a", "TRUE"),
            network("both", "inner", "a", "TRUE"),
            network("jobs", "inner", "b", "TRUE"),
            network("spare", "inner", "b", "FALSE"),
            format!(
                "INSERT INTO network_slices (network_id, slice_id) SELECT n.id, s.id FROM networks AS n, slices AS s \
                 WHERE n.name = '{name}-both' AND s.name = 'crash_b'"
            ),
        ]);
        for n in 0..instances {
            let (slice, node, user) =
                (["a", "b"][n % 2], ["compute1", "compute2"][n / 2 % 2], ["alice", "bob"][n % 2]);
            statements.push(format!(
                "INSERT INTO instances (name, slice_id, image_id, deployment_id, node_id, creator_id) \
                 SELECT '{name}-{n}', s.id, i.id, d.deployment_id, n.id, u.id FROM slices AS s, images AS i, \
                 site_deployments AS d, nodes AS n, users AS u WHERE s.name = 'crash_{slice}' \
                 AND n.name = '{node}' AND u.email = '{user}@x.example'"
            ));
        }
        statements.push(format!(
            "INSERT INTO ports (network_id, instance_id) SELECT n.id, i.id FROM networks AS n, instances AS i \
             WHERE n.name = '{name}-spare' AND i.name IN ('{name}-0', '{name}-1')"
        ));
        goal.sql(statements).await;
        goal
    }

    async fn controller(&self, own: &Own) {
        let (url, domain) = (own.admin.auth_url().to_owned(), own.name.clone());
        let write = self.db.write(move |conn| {
            let deployment = NewDeployment::new("loopback").insert(conn)?.id;
            NewController {
                auth_url: Some(url.clone()),
                admin_user: Some("root".to_owned()),
                admin_password: Some(PASSWORD.into()),
                admin_tenant: Some("home".to_owned()),
                domain: Some(domain.clone()),
                ..NewController::new("loopback", BACKEND_TYPE, deployment)
            }
            .insert(conn)
        });
        write.await.unwrap();
    }

    /// Deletes all that is on the cloud.
    pub(crate) async fn delete_all(&self) {
        let tables = ["slices", "users", "images", "sites"];
        self.sql(tables.map(|table| format!("DELETE FROM {table}")).to_vec()).await;
    }

    async fn sql(&self, statements: Vec<String>) {
        let write = self.db.write(move |conn| {
            statements.iter().try_for_each(|text| sql_query(text).execute(conn).map(drop))
        });
        write.await.unwrap();
    }

    pub(crate) async fn status(&self) -> Status {
        status::read(&self.db, &Registry::linked().unwrap()).await.unwrap()
    }

    /// How many rows there are on which something is left to do; all before anybody has begun.
    pub(crate) async fn open(&self) -> usize {
        let status = self.status().await;
        let begun = !status.steps.is_empty();
        let done = |state: &State| match state {
            State::Enacted | State::Held => true,
            State::Goal => begun,
            _ => false,
        };
        let counts = status.models.iter().flat_map(|model| &model.counts);
        let open: i64 = counts.filter(|(state, _)| !done(state)).map(|(_, count)| *count).sum();
        usize::try_from(open).unwrap()
    }

    /// The ids in a column, in order.
    pub(crate) async fn ids(&self, table: &str, column: &str) -> Vec<String> {
        let query = format!(
            "SELECT {column} AS word FROM {table} WHERE {column} IS NOT NULL ORDER BY {column}"
        );
        let ids: Vec<Word> = self.db.run(move |conn| sql_query(query).load(conn)).await.unwrap();
        ids.into_iter().filter_map(|id| id.word).collect()
    }

    /// The tables of what was deleted that have rows yet.
    pub(crate) async fn left(&self) -> Vec<String> {
        let kept = ["deployments", "controllers", "flavors", "network_templates", "slice_roles"];
        let models = self.status().await.models;
        let rows = |counts: &std::collections::BTreeMap<State, i64>| counts.values().sum::<i64>();
        let left = models.iter().filter(|model| rows(&model.counts) > 0);
        let left = left.map(|model| model.table.to_string());
        left.filter(|table| !kept.contains(&table.as_str())).collect()
    }
}
