//! The goal state: what people would write through a web form, or SQL.

use diesel::prelude::*;
use xos_sync_core::Id;
use xos_sync_core::db::AnyConnection;
use xos_sync_core::models::{
    Image, Instance, NewFlavor, NewImage, NewInstance, NewSlice, NewUser, Site, deployments,
    images, instances, nodes, sites, slices, users,
};
use xos_sync_examples::{Fallible, Sync};

const WEB: &str = "demo_web";
const JOBS: &str = "demo_jobs";
const ALICE: &str = "alice@example.org";
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
pub(crate) async fn write(sync: &Sync, count: u16) -> Fallible {
    sync.db.write(move |conn| insert(conn, count)).await?;
    println!("a user, two slices and {count} instances, as rows in the database");
    Ok(())
}

fn insert(conn: &mut AnyConnection, count: u16) -> QueryResult<()> {
    // In the first zone that the steps have found, on its smallest machines, from the first image.
    let site: Id<Site> = sites::table.order(sites::login_base).select(sites::id).first(conn)?;
    let zone: String = sites::table.find(site).select(sites::login_base).first(conn)?;
    let node = nodes::table.filter(nodes::name.eq(format!("t3.micro.{zone}"))).select(nodes::id);
    let node = node.first(conn)?;
    let image = images::table.filter(images::path.like("ami-%")).order(images::name);
    let image: Id<Image> = image.select(images::id).first(conn)?;
    let deployment = deployments::table
        .filter(deployments::name.eq("Amazon EC2"))
        .select(deployments::id)
        .first(conn)?;

    let alice = NewUser {
        public_key: Some(KEY.to_owned()),
        ..NewUser::new(ALICE, "Alice", "Example", site)
    };
    let alice = alice.insert(conn)?.id;
    let web = NewSlice::new(WEB, site).insert(conn)?.id;
    let jobs = NewSlice::new(JOBS, site).insert(conn)?.id;
    for n in 1..=count {
        let (name, slice) =
            if n < count { (format!("web-{n}"), web) } else { ("job-1".into(), jobs) };
        let instance = NewInstance {
            creator_id: Some(alice),
            user_data: Some(format!("#cloud-config\nhostname: {name}\n")),
            ..NewInstance::new(name, slice, image, deployment, node)
        };
        instance.insert(conn)?;
    }
    Ok(())
}

/// Gives an instance another size.
pub(crate) async fn resize(sync: &Sync, name: &'static str, size: &'static str) -> Fallible {
    let change = sync.db.write(move |conn| {
        let flavor = NewFlavor::new(size, size).insert(conn)?.id;
        diesel::update(instances::table.filter(instances::name.eq(name)))
            .set(instances::flavor_id.eq(flavor))
            .execute(conn)
    });
    change.await?;
    Ok(())
}

/// Adds an image that EC2 does not have, and an instance that wants it.
pub(crate) async fn add_impossible(sync: &Sync) -> Fallible {
    let change = sync.db.write(|conn| {
        let image = NewImage {
            path: Some("ami-00000000000000bad".to_owned()),
            ..NewImage::new("our image")
        };
        let image = image.insert(conn)?.id;
        let like =
            instances::table.order(instances::id).select(Instance::as_select()).first(conn)?;
        NewInstance::new("canary", like.slice_id, image, like.deployment_id, like.node_id)
            .insert(conn)
    });
    change.await?;
    Ok(())
}

/// Names an image that EC2 has.
pub(crate) async fn mend_image(sync: &Sync) -> Fallible {
    let change = sync.db.write(|conn| {
        let good: Option<String> = images::table
            .filter(images::backend_id.is_not_null())
            .order(images::name)
            .select(images::path)
            .first(conn)?;
        diesel::update(images::table.filter(images::name.eq("our image")))
            .set(images::path.eq(good))
            .execute(conn)
    });
    change.await?;
    Ok(())
}

/// Deletes one instance, and a slice with all that is in it.
pub(crate) async fn delete_some(sync: &Sync) -> Fallible {
    let change = sync.db.write(|conn| {
        diesel::delete(instances::table.filter(instances::name.eq("canary"))).execute(conn)?;
        diesel::delete(slices::table.filter(slices::name.eq(JOBS))).execute(conn)
    });
    change.await?;
    Ok(())
}

/// Deletes what [`write`] has written.
pub(crate) async fn delete_all(sync: &Sync) -> Fallible {
    let change = sync.db.write(|conn| {
        diesel::delete(slices::table.filter(slices::name.eq_any([WEB, JOBS]))).execute(conn)?;
        diesel::delete(users::table.filter(users::email.eq(ALICE))).execute(conn)
    });
    change.await?;
    Ok(())
}
