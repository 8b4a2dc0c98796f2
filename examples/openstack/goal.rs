//! The goal state, and how people change it: with SQL, from any program.

use diesel::prelude::*;
use diesel::sql_query;
use xos_sync_core::db::Db;
use xos_sync_core::models::slices;
use xos_sync_examples::{Fallible, Sync};

use crate::start::Start;

/// The slice that stays to the end.
pub(crate) const WEB: &str = "demo_web";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+2lYl9mVQxPQzqqZ6R1nGJcW1mvIcO6Ec2vLrP1m2X alice";

/// Whether an earlier run has written it.
pub(crate) async fn is_there(sync: &Sync) -> Fallible<bool> {
    let rows: i64 = sync
        .db
        .run(|conn| slices::table.filter(slices::name.eq(WEB)).count().get_result(conn))
        .await?;
    Ok(rows > 0)
}

/// Writes it, all in one transaction.
pub(crate) async fn write(sync: &Sync, start: &Start, count: u16) -> Fallible {
    let (small, image) = (quoted(&start.small), quoted(&start.image));
    let mut statements = vec![
        format!(
            "INSERT INTO users (email, first_name, last_name, site_id, public_key) SELECT 'alice@example.org', \
             'Alice', 'Example', id, '{KEY}' FROM sites WHERE login_base = 'demo'"
        ),
        user("bob", "Bob"),
        format!(
            "INSERT INTO slices (name, site_id, max_instances, default_flavor_id) SELECT n.name, s.id, {count} + 5, \
             f.id FROM sites AS s, flavors AS f, (SELECT 'demo_web' AS name UNION ALL SELECT 'demo_jobs') AS n \
             WHERE s.login_base = 'demo' AND f.flavor = {small}"
        ),
        joins("alice", "admin"),
        joins("bob", "default"),
        network("web", "demo nat"),
        network("jobs", "demo inner"),
    ];
    for n in 1..=count {
        let (name, slice) =
            if n < count { (format!("web-{n}"), WEB) } else { ("job-1".to_owned(), "demo_jobs") };
        statements.push(format!(
            "INSERT INTO instances (name, slice_id, image_id, deployment_id, node_id, creator_id) \
             SELECT '{name}', s.id, i.id, d.deployment_id, min(n.id), u.id \
             FROM slices AS s, images AS i, site_deployments AS d, nodes AS n, users AS u WHERE s.name = '{slice}' \
             AND i.name = {image} AND d.site_id = s.site_id AND n.site_deployment_id = d.id \
             AND u.email = 'alice@example.org' GROUP BY s.id, i.id, d.deployment_id, u.id"
        ));
    }
    println!("  two users, two slices with a network each, and {count} instances");
    in_one(&sync.db, statements).await
}

fn user(name: &str, first: &str) -> String {
    format!(
        "INSERT INTO users (email, first_name, last_name, site_id) SELECT '{name}@example.org', '{first}', 'Example', \
         id FROM sites WHERE login_base = 'demo'"
    )
}

/// That a user has a role in the slice that stays.
fn joins(name: &str, role: &str) -> String {
    format!(
        "INSERT INTO slice_privileges (user_id, slice_id, role_id) SELECT u.id, s.id, r.id FROM users AS u, \
         slices AS s, slice_roles AS r WHERE u.email = '{name}@example.org' AND s.name = '{WEB}' \
         AND r.role = '{role}'"
    )
}

/// A network for a slice.
fn network(slice: &str, template: &str) -> String {
    format!(
        "INSERT INTO networks (name, template_id, owner_id) SELECT '{slice}', t.id, s.id FROM network_templates AS t, \
         slices AS s WHERE t.name = '{template}' AND s.name = 'demo_{slice}'"
    )
}

/// Says which rows the database has made because of others.
pub(crate) async fn expanded(sync: &Sync) -> Fallible {
    let models = sync.status().await?.models;
    let rows = models.iter().filter(|model| model.table.starts_with("controller_"));
    let rows: Vec<_> = rows
        .map(|model| format!("{} {}", model.counts.values().sum::<i64>(), model.table))
        .collect();
    println!("  and by themselves, for the cloud: {}", rows.join(", "));
    Ok(())
}

/// Gives an instance a larger flavor.
pub(crate) async fn enlarge(sync: &Sync, start: &Start, name: &str) -> Fallible {
    let large = quoted(&start.large);
    told(
        sync,
        [format!(
            "UPDATE instances SET flavor_id = (SELECT id FROM flavors WHERE flavor = {large}) WHERE name = '{name}'"
        )],
    )
    .await
}

/// Adds a user with a role in a slice.
pub(crate) async fn add_carol(sync: &Sync) -> Fallible {
    told(sync, [user("carol", "Carol"), joins("carol", "default")]).await
}

/// Adds a flavor that the cloud does not have, and an instance that wants it.
pub(crate) async fn add_impossible(sync: &Sync) -> Fallible {
    told(
        sync,
        [
            "INSERT INTO flavors (name, flavor) VALUES ('our size', 'm9.gigantic')".to_owned(),
            "INSERT INTO instances (name, slice_id, image_id, deployment_id, node_id, flavor_id) \
             SELECT 'canary', slice_id, image_id, deployment_id, node_id, (SELECT id FROM flavors \
             WHERE name = 'our size') FROM instances WHERE name = 'web-1'"
                .to_owned(),
        ],
    )
    .await
}

/// Names a flavor that the cloud has.
pub(crate) async fn mend_flavor(sync: &Sync, start: &Start) -> Fallible {
    let small = quoted(&start.small);
    told(sync, [format!("UPDATE flavors SET flavor = {small} WHERE name = 'our size'")]).await
}

/// Deletes one instance and its flavor, and a slice with all that is in it.
pub(crate) async fn delete_some(sync: &Sync) -> Fallible {
    told(
        sync,
        [
            "DELETE FROM instances WHERE name = 'canary'",
            "DELETE FROM flavors WHERE name = 'our size'",
            "DELETE FROM slices WHERE name = 'demo_jobs'",
        ]
        .map(str::to_owned),
    )
    .await
}

/// Deletes all that the story has written.
pub(crate) async fn delete_all(sync: &Sync, start: &Start) -> Fallible {
    let image = quoted(&start.image);
    told(
        sync,
        [
            "DELETE FROM slices WHERE name IN ('demo_web', 'demo_jobs')".to_owned(),
            "DELETE FROM users WHERE email IN ('alice@example.org', 'bob@example.org', 'carol@example.org')"
                .to_owned(),
            format!("DELETE FROM images WHERE name = {image}"),
            "DELETE FROM sites WHERE login_base = 'demo'".to_owned(),
        ],
    )
    .await
}

/// Shows statements, and executes them as one transaction.
async fn told<const N: usize>(sync: &Sync, statements: [String; N]) -> Fallible {
    for statement in &statements {
        println!("  sql> {statement}");
    }
    in_one(&sync.db, statements.to_vec()).await
}

async fn in_one(db: &Db, statements: Vec<String>) -> Fallible {
    let change = db.write(move |conn| {
        statements.iter().try_for_each(|statement| sql_query(statement).execute(conn).map(drop))
    });
    Ok(change.await?)
}

/// A text in SQL.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
