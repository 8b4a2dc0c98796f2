//! An image for each AMI that is of interest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::prelude::*;
use xos_sync_core::{
    Context, Outcome, Pending, Reason, Row, StepError, StepResult, SyncStep,
    models::{Image, NewImage, images},
    sync_step,
};

use super::rows::{Rows, is_news};
use super::told;
use crate::ImageCatalog;
use crate::client::{Ec2, Filter, Image as Ami, ImageQuery};

/// The images that are AMIs.
const AMIS: &str = "images.path LIKE 'ami-%'";

/// Adds an image for each AMI of the [`ImageCatalog`]: its `path` is the AMI's id. Images that people add
/// name their AMI in the same way. An AMI that does not exist, or no longer, is an error; other images
/// are none of this step's business.
#[sync_step(provides = Image, interval = 3600, only = "images.path LIKE 'ami-%'")]
pub struct SyncImages {
    ec2: Ec2,
    catalog: ImageCatalog,
}

impl SyncStep for SyncImages {
    async fn fetch_pending(&self, cx: &Context, pending: &mut Pending<Image>) -> StepResult {
        self.list(cx, pending).await?;
        // 200 is the most that a filter of EC2 takes.
        let mut rows = Rows::<Image>::live(AMIS, 200);
        while let Some(page) = rows.next(cx).await? {
            let ids = page.iter().filter_map(|image| image.path.as_ref());
            let query = ImageQuery::new()
                .filter(Filter::new("image-id", ids))
                .filter(Filter::new("state", ["available"]));
            let amis = self.ec2.describe_images(query).all().await.map_err(told)?;
            let there: BTreeSet<_> = amis.into_iter().map(|ami| ami.image_id).collect();
            let news = |image: &&Row<Image>| {
                let path = image.path.as_ref();
                is_news(image.bookkeeping(), path.is_some_and(|path| there.contains(path)))
            };
            pending.sync_again(page.iter().filter(news).map(|row| row.id)).await?;
        }
        Ok(Outcome::Done)
    }

    async fn sync_record(&self, _: &Context, image: &mut Row<Image>) -> StepResult {
        let Some(id) = image.path.clone() else { return Ok(Outcome::Done) };
        let ami = find(&self.ec2, &id).await?;
        match ami.state.as_str() {
            "available" => image.backend_id = Some(id),
            "pending" => {
                let reason = format!("waiting for the image {id}, which EC2 is still making");
                let after = Duration::from_secs(30);
                return Ok(Outcome::wait(Reason::WAITING_FOR_CREATION, reason, after));
            }
            state => {
                return Err(StepError::terminal(format!(
                    "the image {id} cannot be used: EC2 says that it is {state}; put the id of another AMI into \
                     `path`"
                )));
            }
        }
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Image>) -> StepResult {
        Ok(Outcome::Done)
    }
}

impl SyncImages {
    /// Adds the AMIs of the catalog that have no row.
    async fn list(&self, cx: &Context, pending: &mut Pending<Image>) -> Result<(), StepError> {
        let (own, others): (Vec<_>, Vec<_>) =
            self.catalog.owners.iter().partition(|owner| *owner == "self");
        let available = || ImageQuery::new().filter(Filter::new("state", ["available"]));
        if !own.is_empty() {
            let mut pages = self.ec2.describe_images(available().owner("self"));
            while let Some(amis) = pages.next().await.map_err(told)? {
                add_missing(cx, amis, pending).await?;
            }
        }
        if !others.is_empty() {
            let names = Filter::new("name", &self.catalog.names);
            let query = others.into_iter().fold(available().filter(names), ImageQuery::owner);
            let mut pages = self.ec2.describe_images(query);
            let mut newest = BTreeMap::new();
            while let Some(amis) = pages.next().await.map_err(told)? {
                amis.into_iter().for_each(|ami| keep_newest(&mut newest, ami));
            }
            add_missing(cx, newest.into_values().collect(), pending).await?;
        }
        Ok(())
    }
}

/// The AMI, or an error that says what to do.
pub(super) async fn find(ec2: &Ec2, id: &str) -> Result<Ami, StepError> {
    let found = match ec2.describe_images(ImageQuery::new().ids([id])).all().await {
        Ok(amis) => amis.into_iter().next(),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(told(error)),
    };
    found.ok_or_else(|| {
        StepError::terminal(format!(
            "there is no image {id} in region {}, or this account may not use it: put the id of another AMI into \
             the image's `path`",
            ec2.region()
        ))
        .because(Reason::IMAGE_NOT_FOUND)
    })
}

/// Keeps the last of those whose names differ only in the date.
fn keep_newest(newest: &mut BTreeMap<String, Ami>, ami: Ami) {
    let Some(name) = ami.name.clone() else { return };
    let series = series(&name).to_owned();
    let older = newest.get(&series).is_some_and(|other| other.name.as_ref() >= Some(&name));
    if !older {
        newest.insert(series, ami);
    }
}

/// A name without the date at its end: `ubuntu-24.04-server-20260131.2` is of `ubuntu-24.04-server`.
fn series(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((series, date))
            if date.len() >= 8 && date.chars().all(|c| c.is_ascii_digit() || c == '.') =>
        {
            series
        }
        _ => name,
    }
}

async fn add_missing(
    cx: &Context,
    amis: Vec<Ami>,
    pending: &mut Pending<Image>,
) -> Result<(), StepError> {
    for chunk in amis.chunks(500) {
        let ids: Vec<_> = chunk.iter().map(|ami| Some(ami.image_id.clone())).collect();
        let names: Vec<_> = chunk.iter().filter_map(|ami| ami.name.clone()).collect();
        let (known, mut taken) = cx
            .db()
            .run(move |conn| {
                let known: Vec<Option<String>> = images::table
                    .filter(images::path.eq_any(ids))
                    .select(images::path)
                    .load(conn)?;
                let taken: Vec<String> = images::table
                    .filter(images::name.eq_any(names))
                    .select(images::name)
                    .load(conn)?;
                Ok((known, taken.into_iter().collect::<BTreeSet<_>>()))
            })
            .await?;
        let mut new = Vec::new();
        for ami in chunk.iter().filter(|ami| !known.iter().flatten().any(|id| *id == ami.image_id))
        {
            let named = ami.name.clone().filter(|name| taken.insert(name.clone()));
            let unique = || match &ami.name {
                Some(name) => format!("{name} ({})", ami.image_id),
                None => ami.image_id.clone(),
            };
            new.push(NewImage {
                path: Some(ami.image_id.clone()),
                disk_format: Some("AMI".to_owned()),
                ..NewImage::new(named.unwrap_or_else(unique))
            });
        }
        pending.add(new).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_name_without_its_date() {
        assert_eq!(series("ubuntu-24.04-server-20260131"), "ubuntu-24.04-server");
        assert_eq!(series("ubuntu-24.04-server-20260131.12"), "ubuntu-24.04-server");
        for own in ["my-image", "my-image-2", "image", ""] {
            assert_eq!(series(own), own);
        }
    }
}
