//! What must be there before people have wishes: the row of the cloud, a site on it, an image and roles.

use std::fs;

use diesel::prelude::*;
use xos_sync_core::db::{AnyConnection, Db};
use xos_sync_core::models::{
    Controller, Deployment, Image, NetworkTemplate, NewController, NewDeployment, NewImage,
    NewNetworkTemplate, NewSite, NewSiteDeployment, NewSliceRole, Site, SiteDeployment, SliceRole,
    SliceRoleKind, Translation, controllers,
};
use xos_sync_core::{Model, Row};
use xos_sync_examples::{Fallible, folder};
use xos_sync_openstack::client::NetworkQuery;

use crate::cloud::Cloud;
use crate::goal::quoted;

/// What the story is about on this cloud.
pub(crate) struct Start {
    /// The image that instances boot from.
    pub(crate) image: String,
    /// The flavor with the least memory.
    pub(crate) small: String,
    /// The next one.
    pub(crate) large: String,
}

impl Start {
    /// Writes the rows that are not there from an earlier run. `image` is the name of one that the cloud has.
    pub(crate) async fn write(db: &Db, cloud: &Cloud, image: Option<String>) -> Fallible<Self> {
        let [small, large] = sizes(cloud).await?;
        let image = match image {
            Some(name) => NewImage::new(name),
            None => empty_image()?,
        };
        let name = image.name.clone();
        let outside = NetworkQuery { external: Some(true), ..NetworkQuery::default() };
        let way_out = match cloud.client().networks(&outside).next().await? {
            Some(found) if !found.is_empty() => Translation::Nat,
            _ => Translation::None,
        };
        let deployment = NewDeployment::new(cloud.name());
        let deployment = db
            .write(move |conn| {
                let named = format!("name = {}", quoted(&deployment.name));
                there_or::<Deployment>(conn, &named, &deployment)
            })
            .await?;
        let controller = cloud.controller(deployment.id);
        db.write(move |conn| insert(conn, &controller, &image, way_out)).await?;
        Ok(Self { image: name, small, large })
    }
}

fn insert(
    conn: &mut AnyConnection,
    controller: &NewController,
    image: &NewImage,
    way_out: Translation,
) -> QueryResult<()> {
    let deployment = controller.deployment_id;
    let named = format!("name = {}", quoted(&controller.name));
    let known = there_or::<Controller>(conn, &named, controller)?;
    if known.auth_url != controller.auth_url {
        // A cloud that is started anew on this machine is somewhere else.
        diesel::update(controllers::table.filter(controllers::id.eq(known.id)))
            .set(controllers::auth_url.eq(&controller.auth_url))
            .execute(conn)?;
    }
    let site = there_or::<Site>(conn, "login_base = 'demo'", &NewSite::new("Demo", "demo"))?.id;
    let link = NewSiteDeployment {
        controller_id: Some(known.id),
        ..NewSiteDeployment::new(site, deployment)
    };
    let of_both = format!("site_id = {} AND controller_id = {}", site.raw(), known.id.raw());
    there_or::<SiteDeployment>(conn, &of_both, &link)?;
    there_or::<Image>(conn, &format!("name = {}", quoted(&image.name)), image)?;
    for (name, translation) in [("demo nat", way_out), ("demo inner", Translation::None)] {
        let template = NewNetworkTemplate { translation, ..NewNetworkTemplate::new(name) };
        there_or::<NetworkTemplate>(conn, &format!("name = '{name}'"), &template)?;
    }
    for role in [SliceRoleKind::Admin, SliceRoleKind::Default] {
        let of_kind = format!("role = '{}'", role.as_str());
        there_or::<SliceRole>(conn, &of_kind, &NewSliceRole { role })?;
    }
    Ok(())
}

/// The row for which a condition holds, or a new one.
fn there_or<M: Model>(
    conn: &mut AnyConnection,
    condition: &str,
    new: &M::New,
) -> QueryResult<Row<M>> {
    match Row::load(conn, condition, 1)?.pop() {
        Some(there) => Ok(there),
        None => Row::insert(conn, new),
    }
}

/// The two smallest flavors, the first of which can be made the second.
async fn sizes(cloud: &Cloud) -> Fallible<[String; 2]> {
    let mut flavors = cloud.client().flavors().all().await?;
    flavors.retain(|flavor| flavor.is_public);
    flavors.sort_by_key(|flavor| (flavor.ram, flavor.vcpus, flavor.disk));
    let mut flavors = flavors.into_iter();
    let small = flavors.next();
    // Disks do not shrink.
    let large = flavors.find(|it| small.as_ref().is_some_and(|small| it.disk >= small.disk));
    match (small, large) {
        (Some(small), Some(large)) => Ok([small.name, large.name]),
        _ => Err("the story resizes a server, and the cloud has no two public flavors for that: make them, \
                  for example with `openstack flavor create --ram 512 --disk 1 --vcpus 1 small` and \
                  `… --ram 1024 … large`"
            .into()),
    }
}

/// A file with nothing in it, for clouds that only pretend to boot, or a trial that need not.
fn empty_image() -> Fallible<NewImage> {
    let file = folder("openstack").join("demo.raw");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&file, vec![0; 1 << 20])?;
    Ok(NewImage {
        path: Some(file.display().to_string()),
        disk_format: Some("raw".to_owned()),
        container_format: Some("bare".to_owned()),
        ..NewImage::new("demo")
    })
}
