//! Services, and tags on anything.

use crate::{Id, model};

/// Something that runs in slices for others, such as a content distribution network.
///
/// It stays until its slices are gone.
#[model(table = services)]
pub struct Service {
    /// Its key.
    pub id: Id<Service>,
    /// What people call it.
    pub name: String,
    /// Its kind, by which Synchronizers tell theirs.
    pub kind: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is in use.
    #[default(true)]
    pub enabled: bool,
    /// Whether others see it.
    #[default(true)]
    pub published: bool,
    /// Its version.
    pub version: Option<String>,
    /// Its page on the web.
    pub view_url: Option<String>,
    /// Its picture.
    pub icon_url: Option<String>,
    /// The SSH key that opens its instances.
    pub public_key: Option<String>,
    /// The file on the Synchronizer's machine that has the private key to that.
    pub private_key_file: Option<String>,
    /// What the service itself calls this one.
    pub service_specific_id: Option<String>,
    /// What else the service keeps here, as JSON.
    pub service_specific_attribute: Option<String>,
}

/// A name and a value on a row of any model.
///
/// The row is named by table and key, without a foreign key: the tag neither waits for it nor
/// holds it.
#[model(table = tags)]
pub struct Tag {
    /// Its key.
    pub id: Id<Tag>,
    /// The service that the tag is for; the tag goes with it.
    #[references(Service, on_delete = cascade)]
    pub service_id: Option<Id<Service>>,
    /// The table of the tagged row.
    pub object_table: String,
    /// The key of the tagged row.
    pub object_id: i64,
    /// The tag's name.
    pub name: String,
    /// The tag's value.
    pub value: String,
}
