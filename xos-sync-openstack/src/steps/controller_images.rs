//! A copy of each image in Glance.

use async_trait::async_trait;
use xos_sync_core::{
    Context, Id, Outcome, Pending, Row, StepError, StepResult, SyncStep,
    models::{Controller, ControllerImage, Image},
    sync_step,
};

use super::copies::{self, Copies, Wanted};
use super::live::is_changed;
use super::marks;
use super::on_controllers::{Look, record, tell};
use crate::Clouds;

/// What the path of an image begins with that EC2 has.
const AMI: &str = "ami-";

/// Gives Glance a copy of each image's file, which all projects may use.
///
/// The file is uploaded anew when the image's row has changed and the copy is not the same: then the new
/// copy is made before the old one is deleted. Glance compares checksums. An image without a `path` is the
/// public one of this name that the cloud has already, which is only read, and never deleted. AMIs are
/// EC2's, and left out.
#[sync_step(
    provides = Image,
    observes = ControllerImage,
    interval = 300,
    concurrency = 2,
    timeout = 7200,
    only = "controller_images.controller_id IN \
            (SELECT c.id FROM controllers AS c WHERE c.backend_type = 'OpenStack')"
)]
pub struct SyncControllerImages {
    clouds: Clouds,
}

impl SyncStep<ControllerImage> for SyncControllerImages {
    async fn fetch_pending(
        &self,
        cx: &Context,
        pending: &mut Pending<ControllerImage>,
    ) -> StepResult {
        self.look_at_all(cx, pending).await?;
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, cx: &Context, row: &mut Row<ControllerImage>) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let image = cx.get(row.image_id).await?;
        let Some(path) = image.path.as_deref() else {
            let recorded = row.glance_image_id.as_deref();
            let adopted = copies::public(&place, &image.name, recorded).await?;
            // One of ours, from when there was a path, is not needed any more.
            let ours = copies::of(&place.cloud, &marks::uid(row)).await?;
            record(cx, row, &adopted).await?;
            copies::delete(&place.cloud, &ours).await?;
            return Ok(Outcome::Done);
        };
        if path.starts_with(AMI) {
            return Ok(Outcome::Done);
        }
        let wanted = Wanted::of(cx, row, &image, path);
        let ours = copies::of(&place.cloud, &marks::uid(row)).await?;
        let recorded = row.glance_image_id.as_deref();
        let is_changed = is_changed(row.bookkeeping(), image.bookkeeping());
        let Copies { good, other } = match is_changed {
            true => copies::compare(ours, recorded, &wanted).await?,
            false => copies::sort(ours, recorded, |_| true),
        };
        let good = match good {
            Some(good) => good.id,
            None => {
                // What a broken upload left is of no use, and is not mistaken for the new one so.
                let (broken, older): (Vec<_>, Vec<_>) =
                    other.into_iter().partition(|copy| !copy.is_active());
                copies::delete(&place.cloud, &broken).await?;
                let new = copies::upload(&place.cloud, &wanted).await?;
                record(cx, row, &new).await?;
                copies::delete(&place.cloud, &older).await?;
                return Ok(Outcome::Done);
            }
        };
        record(cx, row, &good).await?;
        copies::delete(&place.cloud, &other).await?;
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, cx: &Context, row: &Row<ControllerImage>) -> StepResult {
        let place = self.clouds.place(cx, row.controller_id).await?;
        let ours = copies::of(&place.cloud, &marks::uid(row)).await?;
        copies::delete(&place.cloud, &ours).await?;
        Ok(Outcome::Done)
    }
}

#[async_trait]
impl Look<ControllerImage> for SyncControllerImages {
    async fn look(
        &self,
        cx: &Context,
        controller: Id<Controller>,
        pending: &mut Pending<ControllerImage>,
    ) -> Result<(), StepError> {
        let there = copies::usable(&self.clouds.of(cx, controller).await?, cx).await?;
        let is_settled = |row: &Row<ControllerImage>, image: &Row<Image>| {
            let is_elsewhere = image.path.as_ref().is_some_and(|path| path.starts_with(AMI));
            is_elsewhere || row.glance_image_id.as_ref().is_some_and(|id| there.contains(id))
        };
        tell(cx, controller, pending, is_settled).await
    }
}
