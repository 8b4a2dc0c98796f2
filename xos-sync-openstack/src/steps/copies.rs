//! The copies in Glance of one image.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha512};
use tokio::io::AsyncReadExt;
use xos_sync_core::{
    Context, Row, StepError,
    models::{ControllerImage, Image},
};

use super::answers::gone;
use super::images::no_file;
use super::marks;
use crate::client::{Cloud, CloudError, ErrorKind, Image as Copy, ImageQuery, NewImage};
use crate::clouds::Place;

/// How much of a file is read at once.
const CHUNK: usize = 1024 * 1024;

/// What a copy shall be.
pub(super) struct Wanted {
    name: String,
    path: PathBuf,
    disk_format: String,
    container_format: String,
    tags: Vec<String>,
}

/// The copies of a row: the one to use, and those that are too many.
pub(super) struct Copies {
    pub(super) good: Option<Copy>,
    pub(super) other: Vec<Copy>,
}

impl Wanted {
    pub(super) fn of(cx: &Context, row: &Row<ControllerImage>, image: &Image, path: &str) -> Self {
        let lower = |text: Option<&String>, default: &str| {
            text.map_or_else(|| default.to_owned(), |text| text.to_ascii_lowercase())
        };
        Self {
            name: image.name.clone(),
            path: path.into(),
            disk_format: lower(image.disk_format.as_ref(), "qcow2"),
            container_format: lower(image.container_format.as_ref(), "bare"),
            tags: marks::tags(cx, row),
        }
    }

    fn is_form_of(&self, copy: &Copy) -> bool {
        copy.name.as_ref() == Some(&self.name)
            && copy.disk_format.as_ref() == Some(&self.disk_format)
            && copy.container_format.as_ref() == Some(&self.container_format)
    }
}

/// All that were made for the row with this mark.
pub(super) async fn of(cloud: &Cloud, mark: &str) -> Result<Vec<Copy>, StepError> {
    let query = ImageQuery { tag: Some(mark.to_owned()), ..ImageQuery::default() };
    cloud.images(&query).all().await.map_err(CloudError::into_step_error)
}

/// The ids of what can be used on a cloud: what we have made, and what is public.
pub(super) async fn usable(cloud: &Cloud, cx: &Context) -> Result<HashSet<String>, StepError> {
    let ours = ImageQuery { tag: Some(marks::synchronizer(cx)), ..ImageQuery::default() };
    let public = ImageQuery {
        visibility: Some("public".to_owned()),
        status: Some("active".to_owned()),
        ..ImageQuery::default()
    };
    let mut usable = HashSet::new();
    for query in [ours, public] {
        let mut pages = cloud.images(&query);
        while let Some(page) = pages.next().await.map_err(CloudError::into_step_error)? {
            usable.extend(page.into_iter().filter(Copy::is_active).map(|copy| copy.id));
        }
    }
    Ok(usable)
}

/// Which of the copies can be used and fits: the one that is recorded, if that is so.
pub(super) fn sort(
    copies: Vec<Copy>,
    recorded: Option<&str>,
    fits: impl Fn(&Copy) -> bool,
) -> Copies {
    let (mut good, mut other): (Vec<_>, Vec<_>) =
        copies.into_iter().partition(|copy| copy.is_active() && fits(copy));
    let at = good.iter().position(|copy| Some(copy.id.as_str()) == recorded).unwrap_or(0);
    let chosen = (at < good.len()).then(|| good.swap_remove(at));
    other.append(&mut good);
    Copies { good: chosen, other }
}

/// Which of the copies are of the file as it is now.
pub(super) async fn compare(
    copies: Vec<Copy>,
    recorded: Option<&str>,
    wanted: &Wanted,
) -> Result<Copies, StepError> {
    if !copies.iter().any(|copy| copy.is_active() && wanted.is_form_of(copy)) {
        return Ok(sort(copies, recorded, |_| false));
    }
    let (size, checksum) =
        read(&wanted.path).await.map_err(|error| no_file(&wanted.path, &error))?;
    let is_same = |copy: &Copy| {
        let by_sha512 = copy.os_hash_algo.as_deref() == Some("sha512");
        copy.size == Some(size) && by_sha512 && copy.os_hash_value.as_ref() == Some(&checksum)
    };
    Ok(sort(copies, recorded, |copy| wanted.is_form_of(copy) && is_same(copy)))
}

/// Makes a copy of the file.
pub(super) async fn upload(cloud: &Cloud, wanted: &Wanted) -> Result<String, StepError> {
    // Before anything is made for it.
    tokio::fs::File::open(&wanted.path).await.map_err(|error| no_file(&wanted.path, &error))?;
    let new = NewImage {
        name: wanted.name.clone(),
        disk_format: wanted.disk_format.clone(),
        container_format: wanted.container_format.clone(),
        visibility: Some("public".to_owned()),
        tags: wanted.tags.clone(),
        properties: BTreeMap::new(),
        ..NewImage::default()
    };
    let made = cloud.create_image(&new).await.map_err(CloudError::into_step_error)?;
    match cloud.upload_image(&made.id, &wanted.path).await {
        Ok(_) => Ok(made.id),
        // The next call finds it by its mark, and deletes it, if it is not deleted now.
        Err(error) => {
            if error.kind() == ErrorKind::Invalid {
                delete(cloud, &[made]).await?;
            }
            Err(error.into_step_error())
        }
    }
}

/// Deletes copies, unless they are gone.
pub(super) async fn delete(cloud: &Cloud, copies: &[Copy]) -> Result<(), StepError> {
    for copy in copies {
        gone(cloud.delete_image(&copy.id).await)?;
    }
    Ok(())
}

/// The public image of this name: the one that is recorded, or the only one.
pub(super) async fn public(
    place: &Place,
    name: &str,
    recorded: Option<&str>,
) -> Result<String, StepError> {
    let query = ImageQuery {
        name: Some(name.to_owned()),
        visibility: Some("public".to_owned()),
        status: Some("active".to_owned()),
        ..ImageQuery::default()
    };
    let mut found = place.cloud.images(&query).all().await.map_err(CloudError::into_step_error)?;
    // What we made has a file to come from.
    found.retain(|copy| !copy.tags.iter().any(|tag| tag.starts_with(marks::UID)));
    let at = found.iter().position(|copy| Some(copy.id.as_str()) == recorded);
    let why = match (at, found.len()) {
        (Some(at), _) => return Ok(found.swap_remove(at).id),
        (None, 1) => return Ok(found.swap_remove(0).id),
        (None, 0) => "no public image",
        (None, _) => "several public images",
    };
    Err(StepError::transient(format!(
        "the image has no `path`, and the controller {} has {why} of the name {name}: put the path of a file \
         into `path`, or see to it that there is exactly one; it tries again by itself",
        place.controller.name
    )))
}

/// A file's size and SHA-512.
async fn read(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = tokio::fs::File::open(path).await?;
    let (mut hash, mut size, mut chunk) = (Sha512::new(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        hash.update(chunk.get(..read).unwrap_or_default());
        size += u64::try_from(read).unwrap_or_default();
    }
    let checksum = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((size, checksum))
}
