//! Glance: images. Their data is sent by [`Cloud::upload_image`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// An image.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Its name, which need not be unique.
    pub name: Option<String>,
    /// `queued` before its data is sent, `saving` meanwhile, then `active`.
    pub status: String,
    /// The project that it belongs to.
    pub owner: Option<String>,
    /// Who may use it: `public`, `private`, `shared` or `community`.
    pub visibility: String,
    /// For example `raw` or `qcow2`.
    pub disk_format: Option<String>,
    /// For example `bare`.
    pub container_format: Option<String>,
    /// Its size in bytes, once its data is there.
    pub size: Option<u64>,
    /// The algorithm of `os_hash_value`, usually `sha512`.
    pub os_hash_algo: Option<String>,
    /// The checksum of its data, once that is there.
    pub os_hash_value: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// All else that is known of it, properties of one's own among them.
    #[serde(flatten)]
    pub properties: BTreeMap<String, Value>,
}

/// An image to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewImage {
    /// Its name.
    pub name: String,
    /// For example `raw` or `qcow2`.
    pub disk_format: String,
    /// For example `bare`.
    pub container_format: String,
    /// Who may use it: `public`, `private`, `shared` or `community`; the cloud decides if not set.
    pub visibility: Option<String>,
    /// The project that it belongs to; the caller's if not set.
    pub owner: Option<String>,
    /// The least disk of a server of it, in GB.
    pub min_disk: Option<u32>,
    /// The least memory of a server of it, in MB.
    pub min_ram: Option<u32>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Properties of one's own.
    #[serde(flatten)]
    pub properties: BTreeMap<String, String>,
}

/// Which images to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImageQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those that have this tag.
    pub tag: Option<String>,
    /// Those of this status.
    pub status: Option<String>,
    /// Those of this project.
    pub owner: Option<String>,
    /// Those of this visibility.
    pub visibility: Option<String>,
    /// Those that have these properties.
    #[serde(flatten)]
    pub properties: BTreeMap<String, String>,
}

impl Image {
    /// Whether servers can be made of it.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

impl Cloud {
    /// The images that `query` describes, of those that these credentials may use.
    pub fn images(&self, query: &ImageQuery) -> Pages<Image> {
        let call = Call::get(Service::Image, ["images"], "list images").query(query);
        Pages::new(self, call.set("limit", "200"), "images")
    }

    /// An image by its id.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn image(&self, id: &str) -> Result<Image, CloudError> {
        self.read_whole(Call::get(Service::Image, ["images", id], format!("read image {id}"))).await
    }

    /// Makes an image that has no data yet.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn create_image(&self, image: &NewImage) -> Result<Image, CloudError> {
        let asked = format!("create image {}", image.name);
        self.read_whole(Call::post(Service::Image, ["images"], asked).whole(image)).await
    }

    /// Deletes an image. The data of one that exists cannot be replaced: delete it and make another.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when it is in use.
    pub async fn delete_image(&self, id: &str) -> Result<(), CloudError> {
        self.act(Call::delete(Service::Image, ["images", id], format!("delete image {id}"))).await
    }
}
