//! Machine images.

use super::call::Call;
use super::params::Params;
use super::xml::{Element, Missing};
use super::{Ec2, Filter, Pages, Tag};

/// Which images to list. Conditions of different kinds must all hold.
#[derive(Clone, Debug, Default)]
pub struct ImageQuery {
    ids: Option<Vec<String>>,
    owners: Vec<String>,
    filters: Vec<Filter>,
}

impl ImageQuery {
    /// All images that the account may start: tens of thousands. Narrow it down.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only images of this owner: an account number, `self`, `amazon` or `aws-marketplace`. May be
    /// repeated; then one of them must match.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owners.push(owner.into());
        self
    }

    /// Only images with these ids. The listing fails with `NotFound` if one does not exist.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.ids.get_or_insert_default().extend(ids.into_iter().map(Into::into));
        self
    }

    /// Only images that meet this condition.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }
}

/// A machine image (AMI).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Image {
    /// Its id, for example `ami-0123456789abcdef0`.
    pub image_id: String,
    /// The name its owner gave it.
    pub name: Option<String>,
    /// What its owner says about it.
    pub description: Option<String>,
    /// The account number of its owner.
    pub owner_id: Option<String>,
    /// `available`, `pending`, `failed` or another state.
    pub state: String,
    /// Whether every account may start it.
    pub public: bool,
    /// For example `x86_64` or `arm64`.
    pub architecture: Option<String>,
    /// `ebs` or `instance-store`.
    pub root_device_type: Option<String>,
    /// The device name of the root volume, for example `/dev/sda1`.
    pub root_device_name: Option<String>,
    /// When it was made, as AWS writes it.
    pub creation_date: Option<String>,
    /// The network volumes that an instance of it gets.
    pub block_devices: Vec<BlockDevice>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// A network (EBS) volume that comes with an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockDevice {
    /// Its name on the instance, for example `/dev/sda1`.
    pub device_name: String,
    /// The snapshot that it begins as.
    pub snapshot_id: Option<String>,
    /// Whether it goes away with the instance.
    pub delete_on_termination: bool,
}

impl Image {
    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        Tag::value_in(&self.tags, key)
    }

    fn read(item: &Element) -> Result<Self, Missing> {
        Ok(Self {
            image_id: item.required("imageId")?,
            name: item.text("name"),
            description: item.text("description"),
            owner_id: item.text("imageOwnerId"),
            state: item.text("imageState").unwrap_or_default(),
            public: item.flag("isPublic"),
            architecture: item.text("architecture"),
            root_device_type: item.text("rootDeviceType"),
            root_device_name: item.text("rootDeviceName"),
            creation_date: item.text("creationDate"),
            block_devices: item.items("blockDeviceMapping").filter_map(BlockDevice::read).collect(),
            tags: Tag::all(item),
        })
    }
}

impl BlockDevice {
    /// None for a disk of the host, which always goes away with the instance.
    fn read(item: &Element) -> Option<Self> {
        let ebs = item.child("ebs")?;
        Some(Self {
            device_name: item.text("deviceName")?,
            snapshot_id: ebs.text("snapshotId"),
            delete_on_termination: ebs.flag("deleteOnTermination"),
        })
    }
}

impl Ec2 {
    /// Lists images, up to 1,000 a page.
    ///
    /// # Errors
    /// At [`Pages::next`].
    pub fn describe_images(&self, query: ImageQuery) -> Pages<Image> {
        let ImageQuery { ids, owners, filters } = query;
        let empty = Filter::match_nothing(&filters) || ids.as_ref().is_some_and(Vec::is_empty);
        // AWS does not allow a page size together with ids.
        let page_size = ids.is_none().then_some("1000");
        let params = Params::new()
            .list("Owner", owners)
            .list("ImageId", ids.unwrap_or_default())
            .filters(&filters)
            .maybe("MaxResults", page_size);
        let call = Call::reading("DescribeImages", "list images", params);
        let pages =
            Pages::new(self, call, |root| root.items("imagesSet").map(Image::read).collect());
        if empty { pages.none() } else { pages }
    }
}
