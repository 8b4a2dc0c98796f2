//! What an instance should be, read from its row and those that it references.

use std::collections::BTreeMap;

use xos_sync_core::{
    Context, Id, Reason, Row, StepError,
    models::{Controller, ControllerImage, ControllerUser, Flavor, Image, Instance, Slice, User},
    ready,
    step::Ready,
};

use crate::steps::answers::patient;
use crate::steps::marks;
use crate::steps::nodes;
use crate::steps::scope::{Joined, networks_of, project_of, rows};

/// The key of the metadata that holds the image's uid.
pub(super) const IMAGE: &str = "xos-image";
/// The key of the metadata that holds the name of the slice.
const SLICE: &str = "xos-slice";

/// Nova takes no longer values.
const LONGEST: usize = 255;

/// What an instance should be, in OpenStack's words.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) project: String,
    pub(super) controller: Id<Controller>,
    pub(super) image: String,
    pub(super) image_uid: String,
    /// What people call the image.
    pub(super) image_name: String,
    pub(super) flavor: String,
    pub(super) host: String,
    pub(super) zone: Option<String>,
    /// The ids of the networks there, in the order of the networks' keys.
    pub(super) networks: Vec<String>,
    pub(super) key: Option<Key>,
    pub(super) tags: Vec<String>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// The key pair of the creator.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    /// The row of whoever puts it there.
    pub(super) account: Id<ControllerUser>,
}

impl Goal {
    pub(super) async fn read(
        cx: &Context,
        row: &Row<Instance>,
        controller: Id<Controller>,
    ) -> Result<Ready<Self>, StepError> {
        let slice = cx.get(row.slice_id).await?;
        let flavor = flavor_of(cx, row, &slice).await?;
        let project = ready!(project_of(cx, row, &slice, controller).await?);
        let image = cx.get(row.image_id).await?;
        let node = cx.get(row.node_id).await?;
        let link = cx.get(node.site_deployment_id).await?;
        let there = cx.get(controller).await?;
        let joined = networks_of(cx, slice.id, controller).await?;
        let (synchronizer, uid) = (cx.synchronizer().to_owned(), row.uid().to_owned());
        let metadata = BTreeMap::from([
            (key_of(marks::UID), uid),
            (key_of(marks::SYNCHRONIZER), synchronizer),
            (SLICE.to_owned(), slice.name.chars().take(LONGEST).collect()),
            (IMAGE.to_owned(), image.uid().to_owned()),
        ]);
        Ok(Ready::Continue(Self {
            project,
            controller,
            image: ready!(copy_of(cx, row, &image, controller).await?),
            image_uid: image.uid().to_owned(),
            image_name: image.name.clone(),
            flavor,
            host: nodes::host_of(&node.name, &there.name).to_owned(),
            zone: link.availability_zone.clone(),
            networks: ready!(ids_of(row, joined)),
            key: ready!(key_for(cx, row, controller).await?),
            tags: marks::tags(cx, row),
            metadata,
        }))
    }
}

/// The key in the metadata, for what stands before a mark in a tag.
pub(super) fn key_of(mark: &str) -> String {
    mark.trim_end_matches('=').to_owned()
}

/// The ids of networks on the cloud; waited for when one is not there yet.
pub(super) fn ids_of(row: &Row<Instance>, joined: Vec<Joined>) -> Ready<Vec<String>> {
    let mut ids = Vec::new();
    for joined in joined {
        let Some(id) = joined.ready() else {
            let message = format!("waiting for network {} on the cloud", joined.network.name);
            return patient(row, Reason::BLOCKED_BY_PARENT, message).into();
        };
        ids.push(id.clone());
    }
    Ready::Continue(ids)
}

async fn flavor_of(cx: &Context, row: &Row<Instance>, slice: &Slice) -> Result<String, StepError> {
    let said = cx.get_optional(row.flavor_id.or(slice.default_flavor_id)).await?;
    let flavor = match said {
        Some(flavor) => Some(flavor),
        None => {
            let usual = rows::<Flavor>(cx, "is_default".to_owned()).await?;
            usual.into_iter().min_by_key(|flavor| (flavor.position, flavor.id.raw()))
        }
    };
    flavor.map(|flavor| flavor.into_object().flavor).ok_or_else(|| {
        StepError::terminal(
            "nothing says of which size it is: fill in the instance's `flavor_id`, or its slice's \
             `default_flavor_id`, or set `is_default` of a flavor",
        )
    })
}

/// The id of the copy of an image that a cloud has.
async fn copy_of(
    cx: &Context,
    row: &Row<Instance>,
    image: &Image,
    controller: Id<Controller>,
) -> Result<Ready<String>, StepError> {
    let copies = format!("image_id = {} AND controller_id = {}", image.id.raw(), controller.raw());
    let copies = rows::<ControllerImage>(cx, copies).await?;
    Ok(match copies.into_iter().find_map(|copy| copy.into_object().glance_image_id) {
        Some(id) => Ready::Continue(id),
        None => {
            let message = format!("waiting for image {} on the cloud", image.name);
            patient(row, Reason::BLOCKED_BY_PARENT, message).into()
        }
    })
}

async fn key_for(
    cx: &Context,
    row: &Row<Instance>,
    controller: Id<Controller>,
) -> Result<Ready<Option<Key>>, StepError> {
    let creator = cx.get_optional(row.creator_id).await?;
    let Some(creator) = creator.filter(|user| has_key(user)) else {
        return Ok(Ready::Continue(None));
    };
    let account =
        format!("user_id = {} AND controller_id = {}", creator.id.raw(), controller.raw());
    let account = rows::<ControllerUser>(cx, account).await?;
    Ok(match account.into_iter().find(|account| account.kuser_id.is_some()) {
        Some(account) => {
            let name = format!("xos-{}", creator.uid());
            Ready::Continue(Some(Key { name, account: account.id }))
        }
        None => {
            let message = format!("waiting for the account of {} on the cloud", creator.email);
            patient(row, Reason::BLOCKED_BY_PARENT, message).into()
        }
    })
}

fn has_key(user: &User) -> bool {
    user.public_key.as_ref().is_some_and(|key| !key.trim().is_empty())
}
