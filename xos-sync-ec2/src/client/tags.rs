//! Tags: what they are, laying them on and taking them off.

use super::call::Call;
use super::params::Params;
use super::xml::Element;
use super::{Ec2, Ec2Error};

/// A tag. Keys have up to 128 characters and do not begin with `aws:`, values up to 256.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    /// Its name, unique among the tags of one resource.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
}

impl Tag {
    /// A tag of these two.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }

    /// The tags in a reply.
    pub(super) fn all(element: &Element) -> Vec<Self> {
        let items = element.items("tagSet");
        items.map(|item| Self::new(item.raw("key"), item.raw("value"))).collect()
    }

    /// The value of the tag with this key.
    pub(super) fn value_in<'a>(tags: &'a [Self], key: &str) -> Option<&'a str> {
        tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}

impl Ec2 {
    /// Lays tags on resources of any type; tags of the same keys get the new values. May be repeated.
    ///
    /// # Errors
    /// `NotFound` when one of the resources does not exist; then none is tagged.
    pub async fn create_tags(
        &self,
        resource_ids: &[impl AsRef<str>],
        tags: &[Tag],
    ) -> Result<(), Ec2Error> {
        if resource_ids.is_empty() || tags.is_empty() {
            return Ok(());
        }
        let asked = format!("tag {}", listed(resource_ids));
        let params = resources(resource_ids).tags("Tag", tags);
        self.call(&Call::changing("CreateTags", asked, params), |_| Ok(())).await
    }

    /// Takes tags off resources, whatever their values. May be repeated.
    ///
    /// # Errors
    /// `NotFound` when one of the resources does not exist.
    pub async fn delete_tags(
        &self,
        resource_ids: &[impl AsRef<str>],
        keys: &[impl AsRef<str>],
    ) -> Result<(), Ec2Error> {
        // Without keys, AWS would take all tags off.
        if resource_ids.is_empty() || keys.is_empty() {
            return Ok(());
        }
        let asked = format!("take tags off {}", listed(resource_ids));
        let keys = keys.iter().zip(1..);
        let params = keys.fold(resources(resource_ids), |params, (key, n)| {
            params.set(format!("Tag.{n}.Key"), key.as_ref())
        });
        self.call(&Call::changing("DeleteTags", asked, params), |_| Ok(())).await
    }
}

fn resources(ids: &[impl AsRef<str>]) -> Params {
    Params::new().list("ResourceId", ids.iter().map(AsRef::as_ref))
}

/// Ids for a message: the first few of them.
pub(super) fn listed(ids: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 3;
    let mut text = ids.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if ids.len() > SHOWN {
        text.push_str(&format!(" and {} more", ids.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_in_messages() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b, c");
        assert_eq!(listed(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
