//! An image for each file in the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use xos_sync_core::{
    Context, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Image, NewImage},
    sync_step,
};

use super::live::is_news;
use super::scope::rows;
use crate::ImageDirectory;
use crate::image_directory::ImageFile;

/// Adds an image for each file of the [`ImageDirectory`] that has none: named as the file without its
/// ending, of the format that the ending says. The formats are qcow2, raw (also `.img`), vmdk, vdi and iso; files that
/// have changed within the last seconds are left for later.
///
/// An image whose file has gone from the folder is an error until it is back. One that is deleted
/// comes back as long as the file is there. Other images are none of this step's business.
#[sync_step(provides = Image, interval = 60, only = "images.kind = 'vm'")]
pub struct SyncImages {
    directory: ImageDirectory,
}

impl SyncStep for SyncImages {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Image>) -> StepResult {
        if !self.directory.is_set() {
            return Ok(Outcome::Done);
        }
        let files = self.directory.files().await.map_err(|error| {
            StepError::transient(format!(
                "the folder of images cannot be read: {error}; check XOS_IMAGES_DIRECTORY"
            ))
        })?;
        let rows = rows::<Image>(cx, "TRUE".to_owned()).await?;
        pending.add(missing(&files, &rows)).await?;

        let there: BTreeSet<_> = files.iter().map(|file| file.path.as_str()).collect();
        let news = |image: &&Row<Image>| {
            let path = image.path.as_deref().filter(|path| self.directory.contains(path));
            path.is_some_and(|path| {
                !image.bookkeeping().no_sync && is_news(image.bookkeeping(), there.contains(path))
            })
        };
        pending.sync_again(rows.iter().filter(news).map(|row| row.id)).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, image: &mut Row<Image>) -> StepResult {
        let Some(path) = image.path.as_deref().filter(|path| self.directory.contains(path)) else {
            return Ok(Outcome::Done);
        };
        match tokio::fs::File::open(path).await {
            Ok(_) => Ok(Outcome::Done),
            Err(error) => Err(no_file(Path::new(path), &error)),
        }
    }

    async fn delete_record(&self, _: &Context, _: &Row<Image>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// What to tell when an image's file cannot be read.
pub(super) fn no_file(path: &Path, error: &std::io::Error) -> StepError {
    StepError::terminal(format!(
        "the file {} of the image cannot be read: {error}; put it there, or the path of another one into \
         `path`",
        path.display()
    ))
}

/// The rows that files lack. A name that is taken is followed by the ending, and if that is taken too the
/// file is left out.
fn missing(files: &[ImageFile], rows: &[Row<Image>]) -> Vec<NewImage> {
    let known: BTreeSet<_> = rows.iter().filter_map(|row| row.path.as_deref()).collect();
    let mut names: BTreeMap<_, _> =
        rows.iter().map(|row| (row.name.as_str(), row.path.as_deref())).collect();
    let mut new = Vec::new();
    for file in files.iter().filter(|file| !known.contains(file.path.as_str())) {
        let free =
            [&file.stem, &file.name].into_iter().find(|name| !names.contains_key(name.as_str()));
        let Some(name) = free else {
            tracing::warn!(path = file.path, "no image is added: its name is taken");
            continue;
        };
        names.insert(name, Some(&file.path));
        new.push(NewImage {
            path: Some(file.path.clone()),
            disk_format: Some(file.format.to_owned()),
            container_format: Some("bare".to_owned()),
            ..NewImage::new(name.clone())
        });
    }
    new
}
