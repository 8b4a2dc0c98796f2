//! Network volumes, to see that none is left behind, and to remove those that are.

use super::call::Call;
use super::params::Params;
use super::xml::{Element, Missing};
use super::{Ec2, Ec2Error, Filter, Pages, Tag};

/// A network (EBS) volume.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Volume {
    /// Its id, for example `vol-0123456789abcdef0`.
    pub volume_id: String,
    /// `creating`, `available`, `in-use`, `deleting` or another state.
    pub state: String,
    /// Its size in GiB.
    pub size_gib: Option<u32>,
    /// The name of its zone.
    pub zone_name: Option<String>,
    /// The instances it is attached to.
    pub attachments: Vec<Attachment>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// A volume's place in an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// The instance.
    pub instance_id: String,
    /// Its name there, for example `/dev/sda1`.
    pub device_name: Option<String>,
    /// Whether it goes away with the instance.
    pub delete_on_termination: bool,
}

impl Volume {
    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        Tag::value_in(&self.tags, key)
    }

    fn read(item: &Element) -> Result<Self, Missing> {
        Ok(Self {
            volume_id: item.required("volumeId")?,
            state: item.text("status").unwrap_or_default(),
            size_gib: item.text("size").and_then(|size| size.parse().ok()),
            zone_name: item.text("availabilityZone"),
            attachments: item.items("attachmentSet").filter_map(Attachment::read).collect(),
            tags: Tag::all(item),
        })
    }
}

impl Attachment {
    fn read(item: &Element) -> Option<Self> {
        Some(Self {
            instance_id: item.text("instanceId")?,
            device_name: item.text("device"),
            delete_on_termination: item.flag("deleteOnTermination"),
        })
    }
}

impl Ec2 {
    /// Lists network volumes that meet all filters, up to 1,000 a page.
    ///
    /// # Errors
    /// At [`Pages::next`].
    pub fn describe_volumes(&self, filters: &[Filter]) -> Pages<Volume> {
        let params = Params::new().filters(filters).set("MaxResults", "1000");
        let call = Call::reading("DescribeVolumes", "list volumes", params);
        let pages =
            Pages::new(self, call, |root| root.items("volumeSet").map(Volume::read).collect());
        if Filter::match_nothing(filters) { pages.none() } else { pages }
    }

    /// Deletes a volume that no instance has.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when an instance has it.
    pub async fn delete_volume(&self, id: &str) -> Result<(), Ec2Error> {
        let params = Params::new().set("VolumeId", id);
        let call = Call::changing("DeleteVolume", format!("delete volume {id}"), params);
        self.call(&call, |_| Ok(())).await
    }
}
